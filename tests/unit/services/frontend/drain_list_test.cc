// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/drain_list.h"

#include <gtest/gtest.h>

namespace buzzer::frontend {
namespace {

struct Counter final : DrainList::Member {
  void OnDrain() override { ++drained; }
  int drained = 0;
};

TEST(DrainList, TellsItsMembersOnceAndTakesNoMore) {
  DrainList list;
  auto stays = std::make_shared<Counter>();
  auto leaves = std::make_shared<Counter>();
  auto gone = std::make_shared<Counter>();
  EXPECT_TRUE(list.Add(stays));
  EXPECT_TRUE(list.Add(leaves));
  EXPECT_TRUE(list.Add(gone));
  list.Remove(leaves.get());
  gone.reset();
  list.Drain();
  list.Drain();
  EXPECT_EQ(stays->drained, 1);
  EXPECT_EQ(leaves->drained, 0);
  EXPECT_FALSE(list.Add(leaves));
}

}  // namespace
}  // namespace buzzer::frontend
