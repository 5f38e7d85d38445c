// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/support/check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/utf8/utf8.h"

namespace buzzer::fuzz {

void FailCheck(const char* file, int line, const char* condition, absl::string_view seen) {
  const std::string text = absl::CEscape(seen.substr(0, 4096));
  std::fprintf(stderr, "%s:%d: does not hold: %s\nseen: \"%s\"\n", file, line, condition,
               text.c_str());
  std::abort();
}

void CheckText(absl::string_view text, size_t max_bytes) {
  FUZZ_CHECK_SEEN(text.size() <= max_bytes, text);
  FUZZ_CHECK_SEEN(ToValidUtf8(text) == text, text);
  const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  FUZZ_CHECK_SEEN(!has_control, text);
}

void CheckError(const absl::Status& error, absl::StatusCode code, absl::string_view field,
                size_t max_bytes) {
  FUZZ_CHECK_SEEN(error.code() == code, error.ToString());
  FUZZ_CHECK(!error.message().empty());
  CheckText(error.message(), max_bytes);
  const bool names_it =
      field.empty() || absl::StrContains(error.message(), absl::StrCat("`", field, "`"));
  FUZZ_CHECK_SEEN(names_it, error.message());
}

bool IsPrintableAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace buzzer::fuzz
