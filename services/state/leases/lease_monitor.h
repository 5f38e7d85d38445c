// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_LEASES_LEASE_MONITOR_H_
#define SERVICES_STATE_LEASES_LEASE_MONITOR_H_

#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Watches over running attempts: a lease that is not renewed, an attempt that
// overruns, a handler that was lost while it stopped.
//
// A lease counts only time in which state was serving, on the monotonic clock: leases
// live in memory, begin anew when state starts, and again when a tick comes 2 s or
// more late (the process stood still, and with it everybody's renewals).
//
// Thread-safe. Has a thread of its own, which ticks while there are leases.
class LeaseMonitor final : public CommitObserver {
 public:
  // Not owned. Add it to the store's observers before the first write.
  LeaseMonitor(JobStore* store, const Clock* clock);
  ~LeaseMonitor() override;

  // Takes up the leases of every active job, as of now, and starts the thread.
  // Blocks until the store has told them.
  absl::Status Start();
  void Stop();

  struct Renewal {
    bool held = false;
    bool cancel_requested = false;
  };
  // Begins the lease anew if it is the current one.
  Renewal Renew(const LeaseRef& lease);

  void OnCommit(const std::vector<JobChange>& changes) override;
  void OnReopen() override;

  // One look at every lease; the thread calls it, and tests do.
  void Tick();

  // Running attempts.
  size_t size() const;

 private:
  struct Lease {
    int32_t attempt = 0;
    std::string lease_id;
    absl::Duration length;
    absl::Duration grace;
    bool cancelling = false;
    // On the monotonic clock.
    absl::Duration expires;
    // When state ends an attempt that its worker did not: one grace after its limit.
    absl::Duration overruns = absl::InfiniteDuration();
    // It ran out; renewals are refused from then on.
    bool lost = false;
    // The store has been asked to take it.
    bool taking = false;
  };

  void Take(const JobRecord& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When time stood still, every lease begins anew.
  void BeginAnewIfStoodStill(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes up those of what the store told that are not known, or not as newly.
  void TakeUp(const std::vector<JobRecord>& active);
  void OnTaken(const std::vector<LeaseLoss>& losses, bool done);
  void Loop();

  JobStore* const store_;
  const Clock* const clock_;
  mutable Mutex mutex_;
  CondVar changed_;
  absl::flat_hash_map<JobId, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_tick_ ABSL_GUARDED_BY(mutex_);
  // The store was opened anew, and has not told yet what is active.
  bool unread_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_LEASES_LEASE_MONITOR_H_
