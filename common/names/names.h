// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_NAMES_NAMES_H_
#define COMMON_NAMES_NAMES_H_

#include "absl/strings/string_view.h"

namespace buzzer {

// For messages: "must be " + this.
inline constexpr char kNameRule[] =
    "1 to 63 lower-case letters, digits, '.', '_' or '-', starting with a letter";

// Whether it may name a job type or a queue.
constexpr bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > 63 || text[0] < 'a' || text[0] > 'z') return false;
  for (const char c : text) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!fits) return false;
  }
  return true;
}

// For messages: "must be " + this.
inline constexpr char kTenantRule[] =
    "1 to 63 lower-case letters, digits or '-', not starting with '-'";

constexpr bool IsTenant(absl::string_view text) {
  if (text.empty() || text.size() > 63 || text[0] == '-') return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  return true;
}

}  // namespace buzzer

#endif  // COMMON_NAMES_NAMES_H_
