// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_CLOCK_CLOCK_H_
#define COMMON_CLOCK_CLOCK_H_

#include "absl/time/time.h"

namespace buzzer {

// The two times that Buzzer reads, behind one seam so that tests set them.
// Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock: for timestamps, run_at, deadline and retention only. May be
  // stepped by the operator.
  virtual absl::Time Now() const = 0;

  // Time since an arbitrary start that never steps: for leases and timeouts.
  // CLOCK_MONOTONIC, so it stands still while the machine sleeps.
  virtual absl::Duration Monotonic() const = 0;

  // The machine's clocks. Never destroyed.
  static const Clock* Real();
};

}  // namespace buzzer

#endif  // COMMON_CLOCK_CLOCK_H_
