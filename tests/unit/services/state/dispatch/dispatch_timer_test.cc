// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/dispatch_timer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>

#include "common/clock/clock.h"

namespace buzzer::state {
namespace {

using Calls = std::counting_semaphore<>;

// The timer waits on the real clock; the tests wait only for what is due.
class DispatchTimerTest : public ::testing::Test {
 protected:
  // Whether another call came.
  static bool Await(Calls& calls) { return calls.try_acquire_for(std::chrono::minutes(1)); }
  static absl::Duration Now() { return Clock::Real()->Monotonic(); }

  Calls ticks_{0};
  Calls releases_{0};
  DispatchTimer timer_{absl::Hours(1), [this] { ticks_.release(); },
                       [this] { releases_.release(); }};
};

TEST_F(DispatchTimerTest, TicksAtOnceAndWhenATickIsWanted) {
  timer_.Start();
  EXPECT_TRUE(Await(ticks_));
  for (int i = 0; i < 3; ++i) {
    timer_.TickNow();
    EXPECT_TRUE(Await(ticks_));
  }
  EXPECT_FALSE(ticks_.try_acquire());
}

TEST_F(DispatchTimerTest, TicksAtItsInterval) {
  Calls ticks(0);
  DispatchTimer timer(
      absl::Milliseconds(1), [&] { ticks.release(); }, [] {});
  timer.Start();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Await(ticks));
}

TEST_F(DispatchTimerTest, ReleasesAtTheFirstOfTheTimes) {
  timer_.Start();
  timer_.ReleaseAt(Now() + absl::Hours(1));
  timer_.ReleaseAt(Now());
  timer_.ReleaseAt(Now() + absl::Hours(2));
  EXPECT_TRUE(Await(releases_));
}

TEST_F(DispatchTimerTest, ReleasesOnceForEachTimeThatItIsTold) {
  timer_.Start();
  for (int i = 0; i < 2; ++i) {
    timer_.ReleaseAt(Now());
    EXPECT_TRUE(Await(releases_));
  }
  EXPECT_TRUE(Await(ticks_));
  timer_.TickNow();
  EXPECT_TRUE(Await(ticks_));
  EXPECT_FALSE(releases_.try_acquire());
}

TEST_F(DispatchTimerTest, ReleasesDoNotWaitForATickNorTicksForARelease) {
  timer_.ReleaseAt(Now());
  timer_.Start();
  EXPECT_TRUE(Await(ticks_));
  EXPECT_TRUE(Await(releases_));
}

TEST_F(DispatchTimerTest, MayBeToldOfTheNextDuringACall) {
  Calls ticks(0);
  Calls releases(0);
  DispatchTimer* itself = nullptr;
  DispatchTimer timer(
      absl::Hours(1),
      [&] {
        ticks.release();
        itself->ReleaseAt(Now());
      },
      [&] {
        releases.release();
        itself->TickNow();
      });
  itself = &timer;
  timer.Start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Await(ticks));
    EXPECT_TRUE(Await(releases));
  }
}

TEST_F(DispatchTimerTest, CallsNothingOnceItIsStopped) {
  timer_.Start();
  timer_.Stop();
  while (ticks_.try_acquire()) {
  }
  timer_.TickNow();
  timer_.ReleaseAt(Now());
  EXPECT_FALSE(ticks_.try_acquire());
  EXPECT_FALSE(releases_.try_acquire());
  timer_.Stop();  // Once more: nothing happens.
}

TEST_F(DispatchTimerTest, MayBeStoppedWithoutAStart) { timer_.Stop(); }

}  // namespace
}  // namespace buzzer::state
