// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/duration/duration.h"

#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace buzzer {
namespace {

struct Unit {
  absl::string_view name;
  absl::Duration length;
};

// From the largest to the smallest.
const Unit kUnits[] = {
    {"d", absl::Hours(24)},       {"h", absl::Hours(1)},         {"m", absl::Minutes(1)},
    {"s", absl::Seconds(1)},      {"ms", absl::Milliseconds(1)}, {"us", absl::Microseconds(1)},
    {"ns", absl::Nanoseconds(1)},
};

// Takes what `belongs` from the front of `text`.
template <typename Predicate>
absl::string_view TakeWhile(absl::string_view* text, Predicate belongs) {
  size_t length = 0;
  while (length < text->size() && belongs((*text)[length])) ++length;
  const absl::string_view taken = text->substr(0, length);
  text->remove_prefix(length);
  return taken;
}

}  // namespace

std::optional<absl::Duration> ParseDuration(absl::string_view text) {
  if (text == "0") return absl::ZeroDuration();
  if (text.empty()) return std::nullopt;
  absl::Duration total;
  const Unit* unit = kUnits;
  while (!text.empty()) {
    const auto digits = TakeWhile(&text, [](char c) { return absl::ascii_isdigit(c) || c == '.'; });
    const auto name = TakeWhile(&text, absl::ascii_isalpha);
    double number = 0;
    int64_t whole = 0;
    if (!absl::SimpleAtod(digits, &number)) return std::nullopt;
    while (unit != std::end(kUnits) && unit->name != name) ++unit;
    if (unit == std::end(kUnits)) return std::nullopt;
    // Exact, where a double of many days is off by seconds.
    total += absl::SimpleAtoi(digits, &whole) ? whole * unit->length : number * unit->length;
    ++unit;
  }
  if (total == absl::InfiniteDuration()) return std::nullopt;
  return total;
}

std::string DurationText(absl::Duration duration) {
  duration = absl::Floor(duration, absl::Microseconds(1));
  std::string text;
  if (const int64_t days = duration / absl::Hours(24); days > 0) {
    text = absl::StrCat(days, "d");
    duration -= days * absl::Hours(24);
    if (duration == absl::ZeroDuration()) return text;
  }
  if (duration == absl::ZeroDuration()) return "0s";
  absl::StrAppend(&text, absl::FormatDuration(duration));
  return text;
}

}  // namespace buzzer
