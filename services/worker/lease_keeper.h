// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_LEASE_KEEPER_H_
#define SERVICES_WORKER_LEASE_KEEPER_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/worker/attempt.h"
#include "services/worker/deadline_thread.h"
#include "services/worker/state_session.h"

namespace buzzer::worker {

// The clocks of this worker's attempts, on a thread that no handler can block: every
// third of a lease it tells the handler's supervisor that the worker lives and renews
// the lease; it stops an attempt that runs too long, and every one when the state
// service has been silent beyond the limit. Thread-safe.
class LeaseKeeper {
 public:
  // Not owned. `outage_limit`: see Config::state_outage_limit.
  LeaseKeeper(StateSession* session, absl::Duration outage_limit, const Clock* clock);

  void Start() { thread_.Start(); }
  void Stop() { thread_.Stop(); }

  // From now on, for those that are kept too.
  void SetOutageLimit(absl::Duration limit);

  // From the grant until the outcome is settled.
  void Add(std::shared_ptr<Attempt> attempt);
  void Remove(const AttemptKey& key);

  // The line to the state service is up again: renews every lease now.
  void RenewAll();

  // Does what is due and returns when the next is; the thread calls it, and tests do.
  absl::Duration Tick();

 private:
  struct Kept {
    std::shared_ptr<Attempt> attempt;
    absl::Duration next_renewal;
    // When to stop it; far away once that is done.
    absl::Duration timeout;
  };

  // Between two renewals: often enough for the lease and, since only answers show that
  // state is there, for the outage limit.
  absl::Duration Interval(const Attempt& attempt) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  StateSession* const session_;
  const Clock* const clock_;
  Mutex mutex_;
  absl::Duration outage_limit_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<AttemptKey, Kept> kept_ ABSL_GUARDED_BY(mutex_);
  DeadlineThread thread_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_LEASE_KEEPER_H_
