// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/job_id/job_id.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace buzzer {
namespace {

// 48 bits: the year 10889.
constexpr int64_t kMaxMillis = (int64_t{1} << 48) - 1;
constexpr char kHex[] = "0123456789abcdef";

bool IsDashAt(size_t index) { return index == 8 || index == 13 || index == 18 || index == 23; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  size_t done = 0;
  while (done < count) {
    const ssize_t got = getrandom(bytes.data() + done, count - done, 0);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      std::abort();  // No randomness: ids would be guessable.
    }
  }
  return bytes;
}

JobId JobId::LowestAt(absl::Time time) {
  int64_t millis = std::min(absl::ToUnixMillis(time), kMaxMillis);
  // Ids know milliseconds only: the first that is not before `time`.
  if (absl::FromUnixMillis(millis) < time) ++millis;
  JobId id;
  id.SetMillis(millis);
  return id;
}

void JobId::SetMillis(int64_t millis) {
  const auto clamped = static_cast<uint64_t>(std::clamp<int64_t>(millis, 0, kMaxMillis));
  for (int i = 0; i < 6; ++i) bytes_[i] = static_cast<uint8_t>(clamped >> (8 * (5 - i)));
}

absl::Time JobId::time() const {
  int64_t millis = 0;
  for (int i = 0; i < 6; ++i) millis = (millis << 8) | bytes_[i];
  return absl::FromUnixMillis(millis);
}

JobId JobId::Make(absl::Time now) {
  JobId id;
  id.SetMillis(absl::ToUnixMillis(now));
  const std::string random = RandomBytes(10);
  std::memcpy(id.bytes_.data() + 6, random.data(), 10);
  id.bytes_[6] = static_cast<uint8_t>((id.bytes_[6] & 0x0f) | 0x70);  // version 7
  id.bytes_[8] = static_cast<uint8_t>((id.bytes_[8] & 0x3f) | 0x80);  // RFC 9562 variant
  return id;
}

std::optional<JobId> JobId::Parse(absl::string_view text) {
  if (text.size() != 36) return std::nullopt;
  JobId id;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsDashAt(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = HexValue(text[i]);
    if (value < 0) return std::nullopt;
    uint8_t& byte = id.bytes_[nibble / 2];
    byte = static_cast<uint8_t>((byte << 4) | value);
    ++nibble;
  }
  return id;
}

std::optional<JobId> JobId::FromBytes(absl::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  JobId id;
  std::memcpy(id.bytes_.data(), bytes.data(), 16);
  return id;
}

std::string JobId::ToString() const {
  std::string text;
  text.reserve(36);
  for (const uint8_t byte : bytes_) {
    if (IsDashAt(text.size())) text.push_back('-');
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 0x0f]);
  }
  return text;
}

}  // namespace buzzer
