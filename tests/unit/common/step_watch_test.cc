// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/clock/step_watch.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace buzzer {
namespace {

using testing::FakeClock;

TEST(StepWatch, TellsAStepOnceInEitherDirection) {
  FakeClock clock;
  StepWatch watch(&clock);
  clock.Advance(absl::Minutes(10));
  EXPECT_EQ(watch.Look(), absl::ZeroDuration());
  clock.StepWall(absl::Hours(1));
  EXPECT_EQ(watch.Look(), absl::Hours(1));
  EXPECT_EQ(watch.Look(), absl::ZeroDuration());
  clock.StepWall(-absl::Hours(2));
  EXPECT_EQ(watch.Look(), -absl::Hours(2));
}

TEST(StepWatch, TakesASlewedClockForNoStep) {
  FakeClock clock;
  StepWatch watch(&clock);
  for (int second = 0; second < 10; ++second) {
    clock.Advance(absl::Seconds(1));
    clock.StepWall(absl::Milliseconds(900));
    EXPECT_EQ(watch.Look(), absl::ZeroDuration());
  }
}

}  // namespace
}  // namespace buzzer
