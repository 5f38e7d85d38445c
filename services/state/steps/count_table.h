// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_COUNT_TABLE_H_
#define SERVICES_STATE_STEPS_COUNT_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// The committed counts of jobs by queue, tenant and state, in memory, so that
// reading them costs the same with ten jobs and with ten million. Thread-safe.
class CountTable {
 public:
  // Queue, tenant, state.
  using Key = std::tuple<std::string, std::string, JobState>;
  using Deltas = std::map<Key, int64_t>;

  // Adds what a commit changed.
  void Apply(const Deltas& deltas);
  // Forgets everything: before counts are loaded anew.
  void Clear();

  std::vector<QueueCounts> Snapshot() const;
  // Jobs QUEUED or SCHEDULED, in all and in one queue.
  int64_t Waiting() const;
  int64_t WaitingIn(const std::string& queue) const;

 private:
  mutable Mutex mutex_;
  std::map<Key, int64_t> counts_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> waiting_by_queue_ ABSL_GUARDED_BY(mutex_);
  int64_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_COUNT_TABLE_H_
