// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/line_reader.h"

namespace buzzer::worker {

void LineReader::Add(absl::string_view bytes) {
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const absl::string_view piece = bytes.substr(0, newline);
    if (!skipping_ && line_.size() + piece.size() > max_line_) {
      skipping_ = true;
      ++long_lines_;
      line_.clear();
    }
    if (!skipping_) line_.append(piece.data(), piece.size());
    if (newline == absl::string_view::npos) return;
    EndLine();
    bytes.remove_prefix(newline + 1);
  }
}

void LineReader::End() { EndLine(); }

void LineReader::EndLine() {
  if (!skipping_ && !line_.empty()) on_line_(line_);
  skipping_ = false;
  line_.clear();
}

}  // namespace buzzer::worker
