// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_TIMER_LOOP_H_
#define SERVICES_STATE_TIMER_LOOP_H_

#include <optional>
#include <thread>

#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/job_store.h"

namespace buzzer::state {

// Runs what the wall clock asks for: run_at, deadline, retention. Sleeps until the next
// of them (looking at the clock once a second, since it may be stepped). Thread-safe.
class TimerLoop final : public CommitObserver {
 public:
  // Not owned. Add it to the store's observers before the first write.
  TimerLoop(JobStore* store, const Clock* clock) : store_(store), clock_(clock) {}
  ~TimerLoop() override { Stop(); }

  void Start();
  void Stop();

  void OnCommit(const std::vector<JobChange>& changes) override;
  void OnReopen() override;

 private:
  void Loop();

  JobStore* const store_;
  const Clock* const clock_;
  Mutex mutex_;
  CondVar changed_;
  // When the store is asked next; nullopt: not before something changes.
  std::optional<absl::Time> next_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // The store has been asked and has not answered.
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_TIMER_LOOP_H_
