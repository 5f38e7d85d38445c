// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_PROGRESS_H_
#define SERVICES_WORKER_PROGRESS_H_

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/worker/deadline_thread.h"
#include "services/worker/lease_ref.h"
#include "services/worker/state_session.h"

namespace buzzer::worker {

// Brings a report within the API's limits: fraction in [0, 1] (NaN: 0), message of valid
// UTF-8 and at most 1024 bytes, no data above 16 KiB as JSON. False if data was dropped.
bool FitProgress(v1::Progress* progress);

// Paces progress: the newest report of an attempt goes out at once if its last one is
// 100 ms old, else when it is. Thread-safe; has a thread of its own.
class ProgressPacer {
 public:
  // Not owned.
  ProgressPacer(StateSession* session, const Clock* clock);

  void Start() { thread_.Start(); }
  void Stop() { thread_.Stop(); }

  void Report(const LeaseRef& lease, v1::Progress progress);

  // The attempt has ended: sends what is held back, at once, and forgets it.
  void Flush(const LeaseRef& lease);

  // Sends what is due and returns when the next is; the thread calls it, and tests do.
  absl::Duration Tick();

 private:
  struct Pace {
    LeaseRef lease;
    absl::Duration next = -absl::InfiniteDuration();
    bool is_held_back = false;
    v1::Progress held_back;
  };

  StateSession* const session_;
  const Clock* const clock_;
  Mutex mutex_;
  absl::flat_hash_map<AttemptKey, Pace> paces_ ABSL_GUARDED_BY(mutex_);
  DeadlineThread thread_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_PROGRESS_H_
