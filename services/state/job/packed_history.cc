// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/packed_history.h"

#include "buzzer/internal/v1/stored_job.pb.h"

namespace buzzer::state {

void PackedHistory::Append(const HistoryEntry& entry) {
  // Made anew, it would cost several allocations for each step of each job.
  thread_local internal::v1::StoredHistory packed;
  packed.Clear();
  auto* line = packed.add_lines();
  line->set_revision(entry.revision);
  line->set_time(absl::ToUnixMicros(entry.time));
  line->set_state(entry.state);
  line->set_attempt(entry.attempt);
  line->set_cause(static_cast<int32_t>(entry.cause));
  if (entry.error.has_value()) *line->mutable_error() = *entry.error;
  packed.AppendToString(&bytes_);
  ++lines_;
}

void PackedHistory::Clear() {
  bytes_.clear();
  lines_ = 0;
}

void Unpack(absl::string_view bytes, int64_t after_revision, std::vector<HistoryEntry>* entries) {
  internal::v1::StoredHistory packed;
  packed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  for (auto& line : *packed.mutable_lines()) {
    if (line.revision() <= after_revision) continue;
    HistoryEntry& entry = entries->emplace_back();
    entry.revision = line.revision();
    entry.time = absl::FromUnixMicros(line.time());
    entry.state = line.state();
    entry.attempt = line.attempt();
    entry.cause = static_cast<Cause>(line.cause());
    if (line.has_error()) entry.error = std::move(*line.mutable_error());
  }
}

}  // namespace buzzer::state
