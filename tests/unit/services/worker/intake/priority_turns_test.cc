// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/priority_turns.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace buzzer::worker {
namespace {

using Counts = std::array<int, kPriorities>;

Counts CountTaken(PriorityTurns& turns, const std::array<bool, kPriorities>& waiting, int times) {
  Counts taken{};
  for (int i = 0; i < times; ++i) ++taken[*turns.Take(waiting)];
  return taken;
}

TEST(PriorityTurns, TakeSixThreeAndOneOfAnyTenWhileAllWait) {
  PriorityTurns turns;
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(CountTaken(turns, {true, true, true}, 10), (Counts{6, 3, 1}));
    turns.Take({true, true, true});
  }
}

TEST(PriorityTurns, MixThePrioritiesEvenly) {
  PriorityTurns turns;
  std::string order;
  for (int i = 0; i < 10; ++i) order += "hnl"[*turns.Take({true, true, true})];
  EXPECT_EQ(order, "hnhhnhlhnh");
}

TEST(PriorityTurns, GiveTheShareOfAnEmptyPriorityToTheOthers) {
  PriorityTurns turns;
  EXPECT_EQ(CountTaken(turns, {true, true, false}, 9), (Counts{6, 3, 0}));
  EXPECT_EQ(CountTaken(turns, {true, false, true}, 7), (Counts{6, 0, 1}));
  EXPECT_EQ(CountTaken(turns, {false, true, true}, 4), (Counts{0, 3, 1}));
  EXPECT_EQ(CountTaken(turns, {false, false, true}, 5), (Counts{0, 0, 5}));
}

TEST(PriorityTurns, OweNothingForTheTimeInWhichAPriorityWasEmpty) {
  using Waiting = std::array<bool, kPriorities>;
  for (const Waiting& before :
       {Waiting{true, false, false}, Waiting{false, true, false}, Waiting{false, false, true},
        Waiting{true, true, false}, Waiting{false, true, true}}) {
    PriorityTurns turns;
    for (int i = 0; i < 7; ++i) turns.Take(before);
    EXPECT_EQ(CountTaken(turns, {true, true, true}, 10), (Counts{6, 3, 1}));
  }
}

TEST(PriorityTurns, DoNotMoveOnWhenNothingCanBeTaken) {
  PriorityTurns turns;
  std::string order;
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(turns.Take({false, false, false}).has_value());
    order += "hnl"[*turns.Take({true, true, true})];
  }
  EXPECT_EQ(order, "hnhhnhlhnh") << "or low would never have its turn behind a slot of its own";
}

}  // namespace
}  // namespace buzzer::worker
