// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_UTF8_H_
#define SERVICES_WORKER_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace buzzer::worker {

// The text with every invalid byte replaced by U+FFFD. What handlers and programs say
// goes into proto strings, which must be valid.
std::string ToValidUtf8(absl::string_view text);

// The longest beginning of at most `limit` bytes that ends between characters. `text`
// must be valid.
absl::string_view Utf8Prefix(absl::string_view text, size_t limit);

// The same of its end.
absl::string_view Utf8Suffix(absl::string_view text, size_t limit);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_UTF8_H_
