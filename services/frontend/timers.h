// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_TIMERS_H_
#define SERVICES_FRONTEND_TIMERS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex/mutex.h"

namespace buzzer::frontend {

// Calls functions later, one after the other on a thread of its own, which sleeps while
// nothing is due. (gRPC's alarms go by the wall clock, and its threads nap.) What it
// calls must not block. Thread-safe.
class Timers {
 public:
  // Names one timer: due time and number.
  using Id = std::pair<std::chrono::steady_clock::time_point, uint64_t>;

  Timers();
  // As Stop.
  ~Timers();

  // Calls `function` once, `delay` from now on the monotonic clock. After Stop: never.
  Id After(absl::Duration delay, std::function<void()> function);

  // The timer does not start any more; if it runs at this moment, it runs on.
  void Cancel(const Id& id);

  // Drops what is not due and returns when nothing runs. Not from a timer.
  void Stop();

 private:
  void Run();

  Mutex mutex_;
  CondVar changed_;
  std::map<Id, std::function<void()>> timers_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses the rest.
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_TIMERS_H_
