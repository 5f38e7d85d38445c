// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/idle_slots.h"

#include <gtest/gtest.h>

namespace buzzer::worker {
namespace {

Config TwoTypes() {
  Config config;
  config.slots = 4;
  for (const char* type : {"a", "b"}) {
    HandlerConfig handler;
    handler.type = type;
    handler.queue = "q";
    handler.concurrency = 3;
    config.handlers.push_back(handler);
  }
  return config;
}

class IdleSlotsTest : public ::testing::Test {
 protected:
  bool LookAgain() {
    now_ += IdleSlots::kInterval;
    return idle_.Look(config_, slots_, /*takes_jobs=*/true, now_);
  }

  const Config config_ = TwoTypes();
  Slots slots_{config_};
  IdleSlots idle_;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(IdleSlotsTest, AreThoseThatAreFree) {
  EXPECT_EQ(idle_.Of("a"), 0);
  EXPECT_TRUE(LookAgain());
  EXPECT_EQ(idle_.Of("a"), 3);
  EXPECT_FALSE(LookAgain()) << "nothing has changed";
}

TEST_F(IdleSlotsTest, AreLookedAtFourTimesASecond) {
  LookAgain();
  EXPECT_EQ(idle_.next_look(), now_ + absl::Milliseconds(250));
  slots_.Take("a");
  EXPECT_FALSE(idle_.Look(config_, slots_, true, now_ + absl::Milliseconds(249)));
  EXPECT_EQ(idle_.Of("a"), 3);
}

TEST_F(IdleSlotsTest, AreToldAgainAfterAnOffer) {
  LookAgain();
  idle_.OnOffer("a");
  EXPECT_TRUE(LookAgain()) << "the state service counts on fewer";
  EXPECT_EQ(idle_.Of("a"), 3);
  EXPECT_FALSE(LookAgain());
}

TEST_F(IdleSlotsTest, AreNoMoreThanTheTotalLeaves) {
  for (int i = 0; i < 3; ++i) slots_.Take("b");
  LookAgain();
  EXPECT_EQ(idle_.Of("a"), 1);
  EXPECT_EQ(idle_.Of("b"), 0);
}

TEST_F(IdleSlotsTest, AreNoneOfAWorkerThatTakesNoJobs) {
  LookAgain();
  LookAgain();
  now_ += IdleSlots::kInterval;
  EXPECT_TRUE(idle_.Look(config_, slots_, /*takes_jobs=*/false, now_));
  EXPECT_EQ(idle_.Of("a"), 0);
}

TEST_F(IdleSlotsTest, AreForgottenWithTheirHandler) {
  LookAgain();
  LookAgain();
  now_ += IdleSlots::kInterval;
  idle_.Look(Config(), slots_, true, now_);
  EXPECT_EQ(idle_.Of("a"), 0);
}

}  // namespace
}  // namespace buzzer::worker
