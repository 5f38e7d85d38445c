// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_CLOCK_STEP_WATCH_H_
#define COMMON_CLOCK_STEP_WATCH_H_

#include "absl/time/time.h"
#include "common/clock/clock.h"

namespace buzzer {

// Notices that the wall clock was stepped, by comparing it with the monotonic one. Not
// thread-safe.
class StepWatch {
 public:
  // Less than this between two looks is the drift of a clock that is slewed.
  static constexpr absl::Duration kLeastStep = absl::Seconds(1);

  // `clock` must live longer.
  explicit StepWatch(const Clock* clock);

  // How far the wall clock was stepped since the last look, positive for forward; zero if it
  // was not. Look about once a second.
  absl::Duration Look();

 private:
  const Clock* const clock_;
  // What the wall clock showed at the monotonic clock's zero, at the last look.
  absl::Time origin_;
};

}  // namespace buzzer

#endif  // COMMON_CLOCK_STEP_WATCH_H_
