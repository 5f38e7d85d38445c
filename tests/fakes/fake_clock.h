// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_CLOCK_H_
#define TESTS_FAKES_FAKE_CLOCK_H_

#include "absl/time/civil_time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"

namespace buzzer::testing {

// A clock that stands still until a test moves it; its two times move apart if they are
// set apart. Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    MutexLock lock(&mutex_);
    return now_;
  }
  absl::Duration Monotonic() const override {
    MutexLock lock(&mutex_);
    return monotonic_;
  }

  // Time passes: both move.
  void Advance(absl::Duration duration) {
    MutexLock lock(&mutex_);
    now_ += duration;
    monotonic_ += duration;
  }

  // Somebody steps the wall clock; the monotonic one does not care.
  void StepWall(absl::Duration duration) {
    MutexLock lock(&mutex_);
    now_ += duration;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12, 0, 0),
                                                            absl::UTCTimeZone());
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::Hours(1);
};

}  // namespace buzzer::testing

#endif  // TESTS_FAKES_FAKE_CLOCK_H_
