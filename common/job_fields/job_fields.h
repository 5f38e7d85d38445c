// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_JOB_FIELDS_JOB_FIELDS_H_
#define COMMON_JOB_FIELDS_JOB_FIELDS_H_

#include "absl/strings/string_view.h"
#include "common/limits/limits.h"

namespace buzzer {

// What the text fields of a job may hold. The frontend asks before it takes a job from a
// caller, and the state service asks again before it stores what comes from outside.

// For messages: "must be " + these.
inline constexpr char kLabelKeyRule[] = "1 to 63 letters, digits, '.', '_', '-' or '/'";
inline constexpr char kLabelValueRule[] = "0 to 63 characters";
inline constexpr char kIdempotencyKeyRule[] = "1 to 255 printable ASCII characters";
inline constexpr char kContentTypeRule[] = "as `image/png`, at most 127 printable ASCII characters";

bool IsLabelKeyCharacter(char c);
bool IsLabelKey(absl::string_view text);
// Characters are counted, not the bytes of their UTF-8.
bool IsLabelValue(absl::string_view text);
bool IsIdempotencyKey(absl::string_view text);
// `type/subtype`, perhaps with parameters after a ';'.
bool IsContentType(absl::string_view text);

}  // namespace buzzer

#endif  // COMMON_JOB_FIELDS_JOB_FIELDS_H_
