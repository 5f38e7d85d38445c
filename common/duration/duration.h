// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_DURATION_DURATION_H_
#define COMMON_DURATION_DURATION_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace buzzer {

// For messages: "write " + this.
inline constexpr char kDurationRule[] =
    "a number with ms, s, m, h or d, or several of them, such as 500ms, 30s, 1h30m or 2d";

// Reads a duration as people write it: numbers with units from the largest to the smallest, such
// as `1h30m`, `1.5h` or `2d`. A bare `0` needs no unit. nullopt for anything else, a negative one
// and one that is too long to be counted included.
std::optional<absl::Duration> ParseDuration(absl::string_view text);

// Writes a duration that is not negative so that ParseDuration reads the same again: `1d12h`,
// `90ms`, `0s`. What is below a microsecond is left out.
std::string DurationText(absl::Duration duration);

}  // namespace buzzer

#endif  // COMMON_DURATION_DURATION_H_
