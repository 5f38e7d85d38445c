// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/backoff/backoff.h"

#include <algorithm>

#include "absl/random/random.h"

namespace buzzer {

absl::Duration Backoff::Bound(absl::Duration initial, absl::Duration max, int failures) {
  // 2^40 times anything sensible is above any cap.
  const int doublings = std::clamp(failures - 1, 0, 40);
  return std::min(initial * static_cast<double>(int64_t{1} << doublings), max);
}

absl::Duration Backoff::FullJitter(absl::Duration bound) {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0) * bound;
}

absl::Duration Backoff::Next() {
  failures_ = std::min(failures_ + 1, 64);
  return FullJitter(Bound(initial_, max_, failures_));
}

}  // namespace buzzer
