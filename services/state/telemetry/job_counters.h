// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_TELEMETRY_JOB_COUNTERS_H_
#define SERVICES_STATE_TELEMETRY_JOB_COUNTERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Counts, by queue and since the start, what happened to jobs: for metrics, which a worker that
// dies with its attempt cannot tell. Thread-safe.
class JobCounters final : public CommitObserver {
 public:
  // Of one queue.
  struct Counts {
    // Jobs that ended, each time that they did.
    int64_t succeeded = 0;
    int64_t failed = 0;
    int64_t cancelled = 0;
    // Attempts that failed, by the class of the reason (see ReasonClass); not those that stopped
    // when their job was cancelled.
    std::map<std::string, int64_t, std::less<>> attempts_failed;
    // Attempts that another one follows.
    int64_t retries = 0;
    // Attempts that were taken from a worker that was silent for its lease.
    int64_t leases_lost = 0;
    // Attempts that a live worker gave up.
    int64_t handed_back = 0;
    // Claims of a worker that has no handler for the job's type, which gave the job back.
    int64_t no_handler = 0;
  };

  // Queues that are counted apart: as many as there may be, and as many again that were
  // forgotten. What happens in others is counted under the name "other queues".
  static constexpr size_t kMaxQueuesCounted = 400;

  // A reason that Buzzer itself gives, as it is; OTHER for all that handlers may invent.
  static absl::string_view ReasonClass(absl::string_view reason);

  void OnCommit(const std::vector<JobChange>& changes) override;

  // By queue; one in which nothing has happened is not there.
  std::vector<std::pair<std::string, Counts>> Snapshot() const;

 private:
  Counts& Of(const std::string& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Counts> by_queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_TELEMETRY_JOB_COUNTERS_H_
