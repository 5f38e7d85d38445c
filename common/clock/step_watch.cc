// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/clock/step_watch.h"

#include <utility>

namespace buzzer {
namespace {

absl::Time Origin(const Clock& clock) {
  while (true) {
    const absl::Duration before = clock.Monotonic();
    const absl::Time origin = clock.Now() - before;
    // Unless the thread was held up between the two readings.
    if (clock.Monotonic() - before < StepWatch::kLeastStep / 2) return origin;
  }
}

}  // namespace

StepWatch::StepWatch(const Clock* clock) : clock_(clock), origin_(Origin(*clock)) {}

absl::Duration StepWatch::Look() {
  const absl::Time origin = Origin(*clock_);
  const absl::Duration moved = origin - std::exchange(origin_, origin);
  return absl::AbsDuration(moved) < kLeastStep ? absl::ZeroDuration() : moved;
}

}  // namespace buzzer
