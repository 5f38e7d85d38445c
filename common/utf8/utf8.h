// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_UTF8_UTF8_H_
#define COMMON_UTF8_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace buzzer {

// The text with every invalid byte replaced by U+FFFD: proto strings must be
// valid.
std::string ToValidUtf8(absl::string_view text);

// The longest beginning of at most `limit` bytes that ends between characters. `text`
// must be valid.
absl::string_view Utf8Prefix(absl::string_view text, size_t limit);

// The same of its end.
absl::string_view Utf8Suffix(absl::string_view text, size_t limit);

// What somebody wrote, as a part of a line that others read: valid UTF-8, `?` in place of each
// control character (a newline would begin another line, an escape steer a terminal), and at most
// `limit` bytes of it, with `...` after them where it was cut.
std::string OneLine(absl::string_view text, size_t limit);

}  // namespace buzzer

#endif  // COMMON_UTF8_UTF8_H_
