// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/log/fault_counter.h"
#include "tests/fakes/fake_clock.h"

namespace buzzer::log {
namespace {

class FaultCounterTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  FaultCounter counter_{absl::Seconds(30), /*max_keys=*/3, &clock_};
};

TEST_F(FaultCounterTest, TellsTheFirstAtOnceAndTheRestInOneLine) {
  EXPECT_EQ(counter_.Note("a"), 1);
  for (int i = 0; i < 814; ++i) EXPECT_EQ(counter_.Note("a"), 0);
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(counter_.Note("a"), 815);
  EXPECT_EQ(counter_.Note("a"), 0);
}

TEST_F(FaultCounterTest, CountsEachKindByItself) {
  EXPECT_EQ(counter_.Note("a"), 1);
  EXPECT_EQ(counter_.Note("b"), 1);
  EXPECT_EQ(counter_.Note("a"), 0);
}

TEST_F(FaultCounterTest, CountsInventedKeysTogether) {
  int64_t lines = 0;
  int64_t told = 0;
  const auto note_many = [&] {
    for (int i = 0; i < 100'000; ++i) {
      if (const int64_t times = counter_.Note(absl::StrCat("key ", i)); times > 0) {
        ++lines;
        told += times;
      }
    }
  };
  note_many();
  EXPECT_EQ(lines, 4);  // Three kinds and the others.
  clock_.Advance(absl::Seconds(30));
  note_many();
  EXPECT_LE(lines, 8);
  EXPECT_GE(told, 100'000);
}

TEST_F(FaultCounterTest, ForgetsAKindThatHasBeenQuietWhenAnotherNeedsItsRoom) {
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(counter_.Note(key), 1);
  EXPECT_EQ(counter_.Note("d"), 1);  // Counted with the others.
  EXPECT_EQ(counter_.Note("e"), 0);
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(counter_.Note("f"), 1);
  EXPECT_EQ(counter_.Note("f"), 0);
}

TEST_F(FaultCounterTest, GivesAwayTheRoomOfAKindThatCameMoreThanOnceAndTellsOfItWithTheOthers) {
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_EQ(counter_.Note(key), 1);
    EXPECT_EQ(counter_.Note(key), 0);
  }
  clock_.Advance(absl::Seconds(30));
  for (const char* key : {"d", "e", "f"}) EXPECT_EQ(counter_.Note(key), 1) << key;
  EXPECT_EQ(counter_.Note("g"), 4) << "one of each that gave its room, and its own";
}

}  // namespace
}  // namespace buzzer::log
