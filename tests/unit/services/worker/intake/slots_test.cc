// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/slots.h"

#include <gtest/gtest.h>

namespace buzzer::worker {
namespace {

HandlerConfig Handler(const std::string& type, const std::string& queue, int concurrency) {
  HandlerConfig handler;
  handler.type = type;
  handler.queue = queue;
  handler.concurrency = concurrency;
  return handler;
}

Config TwoQueues() {
  Config config;
  config.slots = 4;
  config.handlers = {Handler("a", "one", 1), Handler("b", "one", 2), Handler("c", "two", 4)};
  return config;
}

TEST(Slots, CountsWhatAQueueMayUse) {
  const Slots slots(TwoQueues());
  EXPECT_EQ(slots.LimitOf("one"), 3);
  EXPECT_EQ(slots.LimitOf("two"), 4);
  EXPECT_EQ(slots.FreeOf("one"), 3);
  EXPECT_EQ(slots.FreeOf("none"), 0);
}

TEST(Slots, KeepsEachTypesOwnLimit) {
  Slots slots(TwoQueues());
  slots.Take("a");
  EXPECT_FALSE(slots.IsFree("a"));
  EXPECT_TRUE(slots.IsFree("b"));
  EXPECT_EQ(slots.FreeOf("one"), 2);
  slots.Free("a");
  EXPECT_TRUE(slots.IsFree("a"));
}

TEST(Slots, SharesTheTotalBetweenQueues) {
  Slots slots(TwoQueues());
  for (int i = 0; i < 3; ++i) slots.Take("c");
  EXPECT_EQ(slots.FreeOf("one"), 1);
  slots.Take("b");
  EXPECT_EQ(slots.FreeOf("one"), 0);
  EXPECT_EQ(slots.FreeOf("two"), 0);
  EXPECT_EQ(slots.busy(), 4);
}

TEST(Slots, HasNoRoomForATypeWithoutHandler) {
  const Slots slots(TwoQueues());
  EXPECT_FALSE(slots.HasHandler("d"));
  EXPECT_FALSE(slots.IsFree("d"));
}

TEST(Slots, TakeTheLimitsOfAnotherConfigurationAndKeepWhatIsTaken) {
  Slots slots(TwoQueues());
  slots.Take("a");
  slots.Take("c");
  Config smaller;
  smaller.slots = 2;
  smaller.handlers = {Handler("c", "two", 1), Handler("d", "two", 1)};
  slots.Reconfigure(smaller);
  EXPECT_FALSE(slots.HasHandler("a"));
  EXPECT_EQ(slots.FreeOfType("a"), 0);
  EXPECT_EQ(slots.FreeOf("two"), 0) << "two are taken of two";
  slots.Free("a");
  EXPECT_EQ(slots.FreeOfType("c"), 0);
  EXPECT_EQ(slots.FreeOfType("d"), 1);
  slots.Free("c");
  EXPECT_EQ(slots.busy(), 0);
  EXPECT_EQ(slots.FreeOf("two"), 2);
}

TEST(Slots, AreFullWhenTooManyOutcomesWait) {
  Slots slots(TwoQueues());
  for (int i = 0; i < 16; ++i) slots.AddWaitingOutcome();
  EXPECT_EQ(slots.FreeOf("two"), 0);
  EXPECT_FALSE(slots.IsFree("c"));
  slots.RemoveWaitingOutcome();
  EXPECT_EQ(slots.FreeOf("two"), 4);
}

}  // namespace
}  // namespace buzzer::worker
