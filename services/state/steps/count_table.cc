// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/count_table.h"

#include "common/job_state/job_state.h"

namespace buzzer::state {

void CountTable::Apply(const Deltas& deltas) {
  MutexLock lock(&mutex_);
  for (const auto& [key, delta] : deltas) {
    const auto& [queue, tenant, job_state] = key;
    const auto it = counts_.try_emplace(key, 0).first;
    it->second += delta;
    if (it->second == 0) counts_.erase(it);
    if (IsWaiting(job_state)) {
      waiting_ += delta;
      const auto waiting = waiting_by_queue_.try_emplace(queue, 0).first;
      waiting->second += delta;
      if (waiting->second == 0) waiting_by_queue_.erase(waiting);
    }
  }
}

void CountTable::Clear() {
  MutexLock lock(&mutex_);
  counts_.clear();
  waiting_by_queue_.clear();
  waiting_ = 0;
}

std::vector<QueueCounts> CountTable::Snapshot() const {
  MutexLock lock(&mutex_);
  std::vector<QueueCounts> rows;
  for (const auto& [key, jobs] : counts_) {
    const auto& [queue, tenant, job_state] = key;
    if (rows.empty() || rows.back().queue != queue || rows.back().tenant != tenant) {
      rows.push_back({queue, tenant, {}});
    }
    rows.back().by_state[job_state] = jobs;
  }
  return rows;
}

int64_t CountTable::Waiting() const {
  MutexLock lock(&mutex_);
  return waiting_;
}

int64_t CountTable::WaitingIn(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = waiting_by_queue_.find(queue);
  return it == waiting_by_queue_.end() ? 0 : it->second;
}

}  // namespace buzzer::state
