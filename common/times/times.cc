// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/times/times.h"

#include <cstdint>

namespace buzzer {
namespace {

constexpr int64_t kMinSeconds = -62'135'596'800;
constexpr int64_t kEndSeconds = 253'402'300'800;
constexpr int32_t kNanosOfASecond = 1'000'000'000;

}  // namespace

absl::Time MinTimestamp() { return absl::FromUnixSeconds(kMinSeconds); }

absl::Time MaxTimestamp() { return absl::FromUnixSeconds(kEndSeconds) - absl::Nanoseconds(1); }

std::optional<absl::Time> CheckedTime(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < kMinSeconds || timestamp.seconds() >= kEndSeconds ||
      timestamp.nanos() < 0 || timestamp.nanos() >= kNanosOfASecond) {
    return std::nullopt;
  }
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::optional<absl::Duration> CheckedDuration(const google::protobuf::Duration& duration) {
  const absl::Duration seconds = absl::Seconds(duration.seconds());
  const int32_t nanos = duration.nanos();
  const bool signs_differ =
      (duration.seconds() > 0 && nanos < 0) || (duration.seconds() < 0 && nanos > 0);
  if (signs_differ || seconds < -kMaxProtoDuration || seconds > kMaxProtoDuration ||
      nanos <= -kNanosOfASecond || nanos >= kNanosOfASecond) {
    return std::nullopt;
  }
  return seconds + absl::Nanoseconds(nanos);
}

bool IsInRange(const google::protobuf::Duration& duration, absl::Duration min, absl::Duration max) {
  const std::optional<absl::Duration> value = CheckedDuration(duration);
  return value.has_value() && *value >= min && *value <= max;
}

}  // namespace buzzer
