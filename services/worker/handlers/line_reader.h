// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_LINE_READER_H_
#define SERVICES_WORKER_HANDLERS_LINE_READER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace buzzer::worker {

// Cuts a stream of bytes into lines. A line above the limit is skipped whole and
// counted. Not thread-safe.
class LineReader {
 public:
  LineReader(size_t max_line, std::function<void(absl::string_view)> on_line)
      : max_line_(max_line), on_line_(std::move(on_line)) {}

  void Add(absl::string_view bytes);
  // The end of the stream: what has no newline counts as a line too.
  void End();

  int64_t long_lines() const { return long_lines_; }

 private:
  void EndLine();

  const size_t max_line_;
  const std::function<void(absl::string_view)> on_line_;
  std::string line_;
  bool skipping_ = false;
  int64_t long_lines_ = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_LINE_READER_H_
