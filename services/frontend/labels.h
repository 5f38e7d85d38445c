// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_LABELS_H_
#define SERVICES_FRONTEND_LABELS_H_

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "services/frontend/limits.h"

namespace buzzer::frontend {

// For messages: "must be " + these.
inline constexpr char kLabelKeyRule[] = "1 to 63 letters, digits, '.', '_', '-' or '/'";
inline constexpr char kLabelValueRule[] = "0 to 63 characters";

inline bool IsLabelKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-' ||
         c == '/';
}

inline bool IsLabelKey(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelCharacters &&
         std::all_of(text.begin(), text.end(), IsLabelKeyCharacter);
}

// Characters are counted, not the bytes of their UTF-8.
inline bool IsLabelValue(absl::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  return static_cast<size_t>(characters) <= kMaxLabelCharacters;
}

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_LABELS_H_
