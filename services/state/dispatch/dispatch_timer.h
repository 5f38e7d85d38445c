// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_DISPATCH_TIMER_H_
#define SERVICES_STATE_DISPATCH_DISPATCH_TIMER_H_

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex/mutex.h"

namespace buzzer::state {

// Says when it is time for what the dispatcher does unasked: ticks, at an interval and when one is
// wanted sooner; and releases of rows that wait for company, which are due within milliseconds and
// cost less.
//
// Thread-safe. Has a thread, on which both are called, one after the other and under no lock; so
// it may be told of the next under any lock. Its times are of Clock::Real: it waits on it.
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
