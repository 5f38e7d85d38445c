// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_BACKOFF_BACKOFF_H_
#define COMMON_BACKOFF_BACKOFF_H_

#include "absl/time/time.h"

namespace buzzer {

// Exponential backoff with full jitter: the n-th delay is uniform between zero
// and `initial` x 2^(n-1), capped at `max`. Full jitter spreads the herd that a
// restarted server would meet. Not thread-safe.
class Backoff {
 public:
  Backoff(absl::Duration initial, absl::Duration max) : initial_(initial), max_(max) {}

  // The next delay; doubles the one after it.
  absl::Duration Next();

  // Starts over: call when the thing waited for worked.
  void Reset() { failures_ = 0; }

  // The bound of the delay after `failures` failures (1 or more), before jitter.
  static absl::Duration Bound(absl::Duration initial, absl::Duration max, int failures);

  // Uniform in [0, bound).
  static absl::Duration FullJitter(absl::Duration bound);

 private:
  const absl::Duration initial_;
  const absl::Duration max_;
  int failures_ = 0;
};

}  // namespace buzzer

#endif  // COMMON_BACKOFF_BACKOFF_H_
