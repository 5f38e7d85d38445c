// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_SUPPORT_CHECK_H_
#define TESTS_FUZZ_SUPPORT_CHECK_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace buzzer::fuzz {

// Says on standard error what does not hold, and aborts: libFuzzer keeps the input.
[[noreturn]] void FailCheck(const char* file, int line, const char* condition,
                            absl::string_view seen);

// A text that people read: valid UTF-8 on one line, without control characters, of at most
// so many bytes.
void CheckText(absl::string_view text, size_t max_bytes);

// An error for a caller: of `code`, not empty, a text as CheckText says, and it names
// `field` as our messages do ("`field`"), unless that is empty.
void CheckError(const absl::Status& error, absl::StatusCode code, absl::string_view field,
                size_t max_bytes = 2048);

bool IsPrintableAscii(absl::string_view text);

}  // namespace buzzer::fuzz

// What must hold, in release builds too.
#define FUZZ_CHECK(condition) FUZZ_CHECK_SEEN(condition, "")
// The same, and what was seen where it does not.
#define FUZZ_CHECK_SEEN(condition, seen) \
  if (!(condition)) ::buzzer::fuzz::FailCheck(__FILE__, __LINE__, #condition, seen)

#endif  // TESTS_FUZZ_SUPPORT_CHECK_H_
