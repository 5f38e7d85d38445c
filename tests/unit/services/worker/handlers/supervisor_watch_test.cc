// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervisor_watch.h"

#include <gtest/gtest.h>

#include <string>

namespace buzzer::worker {
namespace {

using Action = SupervisorWatch::Action;

class SupervisorWatchTest : public ::testing::Test {
 protected:
  // Looks as often as the watch wants until it wants something done; returns what, and after
  // how many seconds.
  std::string Next(bool ending = false) {
    for (absl::Duration passed; passed < absl::Minutes(1);) {
      const absl::Duration wait = watch_.next_look();
      passed += wait;
      const Action action = watch_.Look(wait, ending);
      const auto after = [&](const char* name) {
        return name + std::string(" after ") + std::to_string(absl::ToInt64Seconds(passed));
      };
      switch (action) {
        case Action::kAsk:
          return after("ask");
        case Action::kWake:
          return after("wake");
        case Action::kKill:
          return after("kill");
        case Action::kGiveUp:
          return after("give up");
        case Action::kNone:
          break;
      }
    }
    return "nothing";
  }

  SupervisorWatch watch_{SupervisorWatch::Limits()};
};

TEST_F(SupervisorWatchTest, AsksOneThatAnswersAndLeavesItAlone) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Next(), "ask after 5");
    watch_.OnAnswer();
  }
  EXPECT_EQ(watch_.times_woken(), 0);
}

TEST_F(SupervisorWatchTest, WakesThenKillsThenGivesUpOneThatStandsStill) {
  EXPECT_EQ(Next(), "ask after 5");
  EXPECT_EQ(Next(), "wake after 10");
  EXPECT_EQ(Next(), "kill after 10");
  EXPECT_EQ(Next(), "give up after 5");
}

TEST_F(SupervisorWatchTest, GoesOnWithOneThatAnswersOnceItIsWoken) {
  Next();
  EXPECT_EQ(Next(), "wake after 10");
  watch_.OnAnswer();
  EXPECT_EQ(Next(), "ask after 5");
  EXPECT_EQ(Next(), "wake after 10");
  EXPECT_EQ(watch_.times_woken(), 2);
}

TEST_F(SupervisorWatchTest, HurriesOnceTheProgramShallEnd) {
  EXPECT_EQ(Next(), "ask after 5");
  EXPECT_EQ(watch_.Look(absl::ZeroDuration(), true), Action::kAsk);
  EXPECT_EQ(Next(true), "wake after 1");
  EXPECT_EQ(Next(true), "kill after 3");
}

TEST_F(SupervisorWatchTest, GivesOneThatAnswersItsWholeGrace) {
  EXPECT_EQ(watch_.Look(absl::ZeroDuration(), true), Action::kAsk);
  watch_.OnAnswer();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Next(true), "ask after 1");
    watch_.OnAnswer();
  }
  EXPECT_EQ(watch_.times_woken(), 0);
}

TEST_F(SupervisorWatchTest, DoesNotHoldItsOwnStandstillAgainstTheSupervisor) {
  EXPECT_EQ(Next(), "ask after 5");
  EXPECT_EQ(watch_.Look(absl::Hours(5), false), Action::kNone);
  EXPECT_EQ(Next(), "wake after 9");
  EXPECT_EQ(watch_.Look(absl::Hours(5), false), Action::kNone);
}

TEST_F(SupervisorWatchTest, DoesNotBeginAnewWhenTheEndIsAskedForAfterTheKill) {
  for (const char* expected : {"ask after 5", "wake after 10", "kill after 10"}) {
    EXPECT_EQ(Next(), expected);
  }
  EXPECT_EQ(Next(true), "give up after 5");
}

}  // namespace
}  // namespace buzzer::worker
