// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_JOB_PACKED_HISTORY_H_
#define SERVICES_STATE_JOB_PACKED_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/state/job/job_record.h"

namespace buzzer::state {

// A job keeps this many lines of history, the newest.
inline constexpr int kMaxHistory = 1000;

// Lines of a job's history as they are stored: a step adds its line behind those before it, and
// nobody unpacks them until somebody looks at the job. A value type.
class PackedHistory {
 public:
  PackedHistory() = default;
  // `bytes` hold `lines` lines.
  PackedHistory(std::string bytes, int lines) : bytes_(std::move(bytes)), lines_(lines) {}

  void Append(const HistoryEntry& entry);
  void Clear();

  const std::string& bytes() const { return bytes_; }
  int lines() const { return lines_; }

 private:
  std::string bytes_;
  int lines_ = 0;
};

// Adds the lines above a revision that `bytes` hold to `entries`.
void Unpack(absl::string_view bytes, int64_t after_revision, std::vector<HistoryEntry>* entries);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_JOB_PACKED_HISTORY_H_
