// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lanes/lane_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr absl::Duration kNow = absl::Hours(1);
constexpr absl::Duration kLater = absl::Minutes(61);

class LaneTableTest : public ::testing::Test {
 protected:
  static JobId Job(char number) { return *JobId::FromBytes(std::string(15, '\0') + number); }

  // A job comes to this lane, which is there.
  void Put(const Lane& lane, char number, const std::string& type = "a") {
    lanes_.Find(lane)->rows.OnQueued({number, Job(number), type, {}});
  }
  // The broker gets the jobs of this lane that wait, and confirms them.
  void SendAll(const Lane& lane) {
    DispatchLane& rows = lanes_.Find(lane)->rows;
    for (const auto& request : rows.NextReads(kNow))
      rows.OnRead(request, std::vector<OutboxEntry>());
    for (const auto& message : rows.TakeReady(kNow)) {
      for (const OutboxEntry& entry : message) rows.OnConfirmed(entry.type, entry.job);
    }
  }
  // A table whose lanes have read their outbox, which was empty.
  void Add(const std::string& queue) {
    lanes_.Add(queue);
    for (const Lane& lane : lanes_.LanesOf(queue)) SendAll(lane);
  }

  LaneTable lanes_{"test"};
};

TEST_F(LaneTableTest, HasALaneForEveryPriorityOfAQueue) {
  EXPECT_THAT(lanes_.Add("q"), ElementsAre("test.q.high", "test.q.normal", "test.q.low"));
  EXPECT_THAT(lanes_.LanesOf("q"), ElementsAre(Lane{"q", v1::Job::HIGH}, Lane{"q", v1::Job::NORMAL},
                                               Lane{"q", v1::Job::LOW}));
  EXPECT_EQ(lanes_.Find({"q", v1::Job::LOW})->broker_queue, "test.q.low");
  EXPECT_EQ(*lanes_.LaneOf("test.q.low"), (Lane{"q", v1::Job::LOW}));
}

TEST_F(LaneTableTest, AddsAQueueOnce) {
  Add("q");
  Put({"q", v1::Job::HIGH}, 1);
  EXPECT_THAT(lanes_.Add("q"), IsEmpty());
  EXPECT_TRUE(lanes_.Find({"q", v1::Job::HIGH})->rows.HasRows());
}

TEST_F(LaneTableTest, KnowsNothingOfAQueueThatWasNotAdded) {
  lanes_.Add("q");
  EXPECT_EQ(lanes_.Find({"other", v1::Job::HIGH}), nullptr);
  EXPECT_EQ(lanes_.LaneOf("test.other.high"), nullptr);
  EXPECT_THAT(lanes_.LanesOf("other"), IsEmpty());
  EXPECT_THAT(lanes_.Remove("other"), IsEmpty());
}

TEST_F(LaneTableTest, ForgetsARemovedQueueAndNoOther) {
  lanes_.Add("q");
  lanes_.Add("other");
  EXPECT_THAT(lanes_.Remove("q"), ElementsAre("test.q.high", "test.q.normal", "test.q.low"));
  EXPECT_THAT(lanes_.LanesOf("q"), IsEmpty());
  EXPECT_EQ(lanes_.LaneOf("test.q.high"), nullptr);
  EXPECT_EQ(lanes_.all().size(), 3u);
}

TEST_F(LaneTableTest, RemovesNoLaneOfAQueueWithARow) {
  Add("q");
  Put({"q", v1::Job::LOW}, 1);
  EXPECT_THAT(lanes_.Remove("q"), IsEmpty());
  EXPECT_EQ(lanes_.LanesOf("q").size(), 3u);
}

TEST_F(LaneTableTest, TellsWhichQueuesHaveRowsAndHowManyAreOut) {
  Add("busy");
  Add("idle");
  Put({"busy", v1::Job::HIGH}, 1);
  Put({"busy", v1::Job::LOW}, 2);
  EXPECT_THAT(lanes_.QueuesWithRows(), ElementsAre("busy"));
  EXPECT_EQ(lanes_.out(), 0u);
  SendAll({"busy", v1::Job::HIGH});
  SendAll({"busy", v1::Job::LOW});
  EXPECT_EQ(lanes_.out(), 2u);
}

TEST_F(LaneTableTest, GivesIdleSlotsWhatLiesUnclaimedTheHigherPriorityFirst) {
  Add("q");
  Put({"q", v1::Job::LOW}, 1);
  Put({"q", v1::Job::HIGH}, 2);
  Put({"q", v1::Job::NORMAL}, 3);
  for (const Lane& lane : lanes_.LanesOf("q")) SendAll(lane);
  EXPECT_THAT(lanes_.TakeHoarded("q", {{"a", {2, 2}}}, kNow), IsEmpty()) << "they came just now";
  EXPECT_THAT(lanes_.TakeHoarded("q", {{"a", {2, 2}}}, kLater),
              ElementsAre(Pair("a", ElementsAre(Job(2), Job(3)))));
}

TEST_F(LaneTableTest, GivesEachTypeToItsOwnIdleSlots) {
  Add("q");
  Put({"q", v1::Job::NORMAL}, 1, "a");
  Put({"q", v1::Job::NORMAL}, 2, "b");
  Put({"q", v1::Job::NORMAL}, 3, "c");
  SendAll({"q", v1::Job::NORMAL});
  EXPECT_THAT(lanes_.TakeHoarded("q", {{"a", {4, 4}}, {"b", {4, 0}}, {"c", {1, 1}}}, kLater),
              ElementsAre(Pair("a", ElementsAre(Job(1))), Pair("c", ElementsAre(Job(3)))));
}

TEST_F(LaneTableTest, GivesNothingOfAnotherQueue) {
  Add("q");
  Add("other");
  Put({"other", v1::Job::NORMAL}, 1);
  SendAll({"other", v1::Job::NORMAL});
  EXPECT_THAT(lanes_.TakeHoarded("q", {{"a", {1, 1}}}, kLater), IsEmpty());
}

TEST_F(LaneTableTest, TellsEveryLaneOfAQueueItsWorkers) {
  Add("q");
  // Types that workers serve are looked for in the table, each by itself.
  lanes_.SetWorkers("q", 1, {{"a", {1, 0}}, {"b", {1, 0}}});
  for (const Lane& lane : lanes_.LanesOf("q")) {
    DispatchLane& rows = lanes_.Find(lane)->rows;
    rows.Restart();
    EXPECT_THAT(rows.NextReads(kNow).at(0).types, ElementsAre("a", "b"));
  }
}

}  // namespace
}  // namespace buzzer::state
