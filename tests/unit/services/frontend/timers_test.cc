// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/timers.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace buzzer::frontend {
namespace {

TEST(Timers, CallInTheOrderOfTheirTimes) {
  Timers timers;
  std::vector<int> order;
  std::promise<void> done;
  timers.After(absl::Milliseconds(40), [&] {
    order.push_back(3);
    done.set_value();
  });
  timers.After(absl::Milliseconds(20), [&] { order.push_back(2); });
  timers.After(absl::ZeroDuration(), [&] { order.push_back(1); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Timers, MaySetTimersFromTimers) {
  Timers timers;
  std::promise<void> done;
  timers.After(absl::ZeroDuration(),
               [&] { timers.After(absl::ZeroDuration(), [&] { done.set_value(); }); });
  done.get_future().wait();
}

TEST(Timers, DoNotCallWhatWasCancelled) {
  Timers timers;
  bool called = false;
  timers.Cancel(timers.After(absl::Milliseconds(10), [&] { called = true; }));
  std::promise<void> later;
  timers.After(absl::Milliseconds(20), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(called);
}

TEST(Timers, DropWhatIsNotDueWhenStopped) {
  bool called = false;
  Timers timers;
  timers.After(absl::Hours(1), [&] { called = true; });
  timers.Stop();
  timers.After(absl::ZeroDuration(), [&] { called = true; });
  timers.Stop();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace buzzer::frontend
