// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/prefer.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace buzzer::frontend {
namespace {

// The parts between the separators that stand outside quotes.
std::vector<absl::string_view> SplitOutsideQuotes(absl::string_view text, char separator) {
  std::vector<absl::string_view> parts;
  bool quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

absl::string_view Unquoted(absl::string_view word) {
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    return word.substr(1, word.size() - 2);
  }
  return word;
}

// Digits alone; a number too large to hold counts as very large.
std::optional<int64_t> ParseSeconds(absl::string_view digits) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return std::nullopt;
  }
  int64_t seconds = 0;
  // On overflow it stores the largest value.
  (void)absl::SimpleAtoi(digits, &seconds);
  return seconds;
}

}  // namespace

std::optional<absl::Duration> ParsePreferWait(absl::string_view header, absl::Duration max) {
  for (const absl::string_view preference : SplitOutsideQuotes(header, ',')) {
    // Parameters follow a ';': `wait` has none.
    const absl::string_view pair = SplitOutsideQuotes(preference, ';').front();
    const size_t equals = pair.find('=');
    if (equals == absl::string_view::npos) continue;
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(pair.substr(0, equals)), "wait")) {
      continue;
    }
    const auto seconds =
        ParseSeconds(Unquoted(absl::StripAsciiWhitespace(pair.substr(equals + 1))));
    if (!seconds.has_value() || *seconds == 0) return std::nullopt;
    return std::min(absl::Seconds(*seconds), max);
  }
  return std::nullopt;
}

}  // namespace buzzer::frontend
