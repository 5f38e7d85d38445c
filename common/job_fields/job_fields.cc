// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/job_fields/job_fields.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace buzzer {
namespace {

bool IsPrintableAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// Characters of a token (RFC 9110, 5.6.2).
bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

}  // namespace

bool IsLabelKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-' ||
         c == '/';
}

bool IsLabelKey(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelCharacters &&
         std::all_of(text.begin(), text.end(), IsLabelKeyCharacter);
}

bool IsLabelValue(absl::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  return static_cast<size_t>(characters) <= kMaxLabelCharacters;
}

bool IsIdempotencyKey(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxIdempotencyKeyBytes && IsPrintableAscii(text);
}

bool IsContentType(absl::string_view text) {
  if (text.size() > kMaxContentTypeBytes || !IsPrintableAscii(text)) return false;
  const absl::string_view essence =
      absl::StripTrailingAsciiWhitespace(text.substr(0, text.find(';')));
  const size_t slash = essence.find('/');
  return slash != absl::string_view::npos && IsToken(essence.substr(0, slash)) &&
         IsToken(essence.substr(slash + 1));
}

}  // namespace buzzer
