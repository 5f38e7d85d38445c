// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/confirm_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace buzzer::amqp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ConfirmWindowTest : public ::testing::Test {
 protected:
  void Add(int count) {
    for (int i = 0; i < count; ++i) {
      const uint64_t tag = window_.next_tag();
      window_.Add([this, tag](Fate fate) {
        EXPECT_TRUE(fates_.emplace(tag, fate).second) << "told twice: " << tag;
      });
    }
  }

  std::map<uint64_t, Fate> fates_;
  ConfirmWindow window_;
};

TEST_F(ConfirmWindowTest, CountsTagsFromOne) {
  EXPECT_EQ(window_.next_tag(), 1u);
  Add(2);
  EXPECT_EQ(window_.next_tag(), 3u);
  EXPECT_EQ(window_.size(), 2u);
}

TEST_F(ConfirmWindowTest, TellsNothingBeforeTheBrokerAnswers) {
  Add(3);
  EXPECT_THAT(fates_, IsEmpty());
}

TEST_F(ConfirmWindowTest, TakesConfirmsInMultiples) {
  Add(3);
  window_.Ack(2, /*multiple=*/true);
  EXPECT_THAT(fates_, ElementsAre(Pair(1, Fate::kConfirmed), Pair(2, Fate::kConfirmed)));
  EXPECT_EQ(window_.size(), 1u);
  EXPECT_EQ(window_.next_tag(), 4u);
}

TEST_F(ConfirmWindowTest, TakesTagZeroForAll) {
  Add(2);
  window_.Ack(0, /*multiple=*/true);
  EXPECT_EQ(fates_.size(), 2u);
  EXPECT_EQ(window_.size(), 0u);
}

TEST_F(ConfirmWindowTest, CountsWhatIsConfirmedOutOfOrderUntilTheOldestIs) {
  Add(3);
  window_.Ack(3, false);
  window_.Ack(2, false);
  EXPECT_THAT(fates_, ElementsAre(Pair(2, Fate::kConfirmed), Pair(3, Fate::kConfirmed)));
  EXPECT_EQ(window_.size(), 3u);
  window_.Ack(1, false);
  EXPECT_EQ(window_.size(), 0u);
}

TEST_F(ConfirmWindowTest, TellsEachMessageOnce) {
  Add(3);
  window_.Ack(2, false);
  window_.Ack(2, false);
  window_.Nack(3, /*multiple=*/true);
  window_.Ack(3, false);
  EXPECT_THAT(fates_, ElementsAre(Pair(1, Fate::kRejected), Pair(2, Fate::kConfirmed),
                                  Pair(3, Fate::kRejected)));
}

TEST_F(ConfirmWindowTest, TellsAReturnedMessageAtItsAck) {
  Add(2);
  window_.MarkReturned(1);
  EXPECT_THAT(fates_, IsEmpty());
  window_.Ack(2, /*multiple=*/true);
  EXPECT_THAT(fates_, ElementsAre(Pair(1, Fate::kReturned), Pair(2, Fate::kConfirmed)));
}

TEST_F(ConfirmWindowTest, PassesOverTagsThatItDoesNotKnow) {
  window_.Ack(0, true);
  window_.Ack(1, true);
  Add(1);
  window_.Ack(7, true);
  window_.Nack(0, false);
  window_.MarkReturned(0);
  window_.MarkReturned(2);
  EXPECT_THAT(fates_, IsEmpty());
  EXPECT_EQ(window_.size(), 1u);
}

TEST_F(ConfirmWindowTest, TellsUnknownWhenTheConnectionIsLost) {
  Add(3);
  window_.MarkReturned(1);
  window_.Ack(2, false);
  window_.Abandon();
  EXPECT_THAT(fates_, ElementsAre(Pair(1, Fate::kUnknown), Pair(2, Fate::kConfirmed),
                                  Pair(3, Fate::kUnknown)));
  EXPECT_EQ(window_.next_tag(), 1u);
  EXPECT_EQ(window_.size(), 0u);
}

}  // namespace
}  // namespace buzzer::amqp
