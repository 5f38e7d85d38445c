// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_DISPATCH_TIMER_H_
#define SERVICES_STATE_DISPATCH_DISPATCH_TIMER_H_

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex/mutex.h"

namespace buzzer::state {

// Decides when the dispatcher does what nobody asks it for. A tick comes at an interval, and sooner
// when somebody wants one. A release lets rows go that waited for others to share their message; it
// is due within milliseconds and costs less than a tick.
//
// Thread-safe. Calls both on a thread of its own, one at a time and without holding a lock, so its
// methods may be called under any lock. Its times are those of Clock::Real, on which it waits.
class DispatchTimer {
 public:
  DispatchTimer(absl::Duration tick_interval, std::function<void()> tick,
                std::function<void()> release);
  ~DispatchTimer() { Stop(); }
  DispatchTimer(const DispatchTimer&) = delete;
  DispatchTimer& operator=(const DispatchTimer&) = delete;

  // Ticks at once.
  void Start();
  // Waits for the call under way; none comes after it. Not to be called on the thread itself.
  void Stop();

  void TickNow();
  // There is a release by then, and perhaps an earlier one.
  void ReleaseAt(absl::Duration at);

 private:
  void Loop();

  const absl::Duration tick_interval_;
  const std::function<void()> tick_;
  const std::function<void()> release_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool tick_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration release_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  std::thread thread_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_DISPATCH_TIMER_H_
