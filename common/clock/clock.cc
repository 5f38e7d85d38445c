// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/clock/clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace buzzer {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Duration Monotonic() const override {
    timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return absl::DurationFromTimespec(ts);
  }
};

}  // namespace

const Clock* Clock::Real() {
  static const auto* const kClock = new RealClock;
  return kClock;
}

}  // namespace buzzer
