// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/priority_wheel.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace buzzer::worker {
namespace {

std::array<int, kPriorities> CountTaken(PriorityWheel& wheel,
                                        const std::array<bool, kPriorities>& waiting, int times) {
  std::array<int, kPriorities> taken{};
  for (int i = 0; i < times; ++i) ++taken[*wheel.Next(waiting)];
  return taken;
}

using Counts = std::array<int, kPriorities>;

TEST(PriorityWheel, TakesSixThreeAndOneOfTenWhileAllWait) {
  PriorityWheel wheel;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(CountTaken(wheel, {true, true, true}, 10), (Counts{6, 3, 1}));
  }
}

TEST(PriorityWheel, MixesThePrioritiesEvenly) {
  PriorityWheel wheel;
  std::string order;
  for (int i = 0; i < 10; ++i) order += "hnl"[*wheel.Next({true, true, true})];
  EXPECT_EQ(order, "hnhhnhlhnh");
}

TEST(PriorityWheel, GivesTheShareOfAnEmptyPriorityToTheOthers) {
  PriorityWheel wheel;
  EXPECT_EQ(CountTaken(wheel, {true, true, false}, 9), (Counts{6, 3, 0}));
  EXPECT_EQ(CountTaken(wheel, {true, false, true}, 7), (Counts{6, 0, 1}));
  EXPECT_EQ(CountTaken(wheel, {false, true, true}, 4), (Counts{0, 3, 1}));
  EXPECT_EQ(CountTaken(wheel, {false, false, true}, 5), (Counts{0, 0, 5}));
}

TEST(PriorityWheel, OwesNothingToAPriorityThatWasEmpty) {
  PriorityWheel wheel;
  CountTaken(wheel, {false, false, true}, 100);
  EXPECT_EQ(CountTaken(wheel, {true, true, true}, 10), (Counts{6, 3, 1}));
}

TEST(PriorityWheel, TakesNothingWhenNothingWaits) {
  PriorityWheel wheel;
  EXPECT_FALSE(wheel.Next({false, false, false}).has_value());
}

}  // namespace
}  // namespace buzzer::worker
