// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_DEADLINE_THREAD_H_
#define SERVICES_WORKER_DEADLINE_THREAD_H_

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"

namespace buzzer::worker {

// A thread that sleeps until something is due. Thread-safe.
class DeadlineThread {
 public:
  // `step` does what is due and returns when it wants to be called next, on the
  // monotonic clock; InfiniteDuration: not before Schedule asks for it.
  DeadlineThread(const Clock* clock, std::function<absl::Duration()> step)
      : clock_(clock), step_(std::move(step)) {}
  ~DeadlineThread() { Stop(); }

  void Start();

  // Returns when `step` does not run and will not run again. Not from `step`.
  void Stop();

  // Has `step` called at `deadline` or earlier.
  void Schedule(absl::Duration deadline);

 private:
  void Loop();

  const Clock* const clock_;
  const std::function<absl::Duration()> step_;
  Mutex mutex_;
  CondVar changed_;
  absl::Duration next_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_DEADLINE_THREAD_H_
