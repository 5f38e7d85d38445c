// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_LEASES_TIMER_LOOP_H_
#define SERVICES_STATE_LEASES_TIMER_LOOP_H_

#include <functional>
#include <optional>
#include <thread>

#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/clock/step_watch.h"
#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Runs what the wall clock asks for: run_at, deadline, retention. Sleeps until the next
// of them, looking at the clock once a second, since it may be stepped: the times of
// retries, which nobody named, then move with it. Thread-safe.
class TimerLoop final : public CommitObserver {
 public:
  // Not owned. Add it to the store's observers before the first write. `housekeeping`, if
  // given, runs on the loop's thread every 10 min.
  TimerLoop(JobStore* store, const Clock* clock, std::function<void()> housekeeping = nullptr);
  ~TimerLoop() override { Stop(); }

  void Start();
  void Stop();

  void OnCommit(const std::vector<JobChange>& changes) override;
  void OnReopen() override;

 private:
  void Loop();
  // How far the wall clock was stepped since the last look, or zero.
  absl::Duration TakeStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShiftRetries(absl::Duration step);
  void RunTimers();

  JobStore* const store_;
  const Clock* const clock_;
  const std::function<void()> housekeeping_;
  // On the loop's thread.
  absl::Duration housekeeping_at_;
  Mutex mutex_;
  CondVar changed_;
  // When the store is asked next; nullopt: not before something changes.
  std::optional<absl::Time> next_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // The store has been asked and has not answered.
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  StepWatch steps_ ABSL_GUARDED_BY(mutex_);
  // A step that the store has yet to hear of, and since when it may hear of it again.
  absl::Duration step_ ABSL_GUARDED_BY(mutex_);
  absl::Duration shift_after_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_LEASES_TIMER_LOOP_H_
