// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_SUPPORT_PARTS_H_
#define TESTS_FUZZ_SUPPORT_PARTS_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace buzzer::fuzz {

// An input that is several texts: a newline ends each but the last, so that corpora can be
// read and written by hand. A value type; views of the input.
class Parts {
 public:
  explicit Parts(absl::string_view input) : rest_(input) {}

  // The next text, empty once there is none; `last` takes all that is left.
  absl::string_view Next() {
    const size_t end = rest_.find('\n');
    const absl::string_view next = rest_.substr(0, end);
    rest_.remove_prefix(end == absl::string_view::npos ? rest_.size() : end + 1);
    return next;
  }
  absl::string_view Rest() const { return rest_; }

 private:
  absl::string_view rest_;
};

inline absl::string_view ToView(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace buzzer::fuzz

#endif  // TESTS_FUZZ_SUPPORT_PARTS_H_
