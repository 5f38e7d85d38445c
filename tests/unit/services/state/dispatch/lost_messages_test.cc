// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lost_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Lane kHigh = {"q", v1::Job::HIGH};
const Lane kNormal = {"q", v1::Job::NORMAL};
const Lane kLow = {"q", v1::Job::LOW};
const Lane kOther = {"other", v1::Job::NORMAL};

// Two queues, all lanes of which are prepared. The broker queue of a lane that is dispatched to is
// told to hold what the test says.
class LostMessagesTest : public ::testing::Test {
 protected:
  LostMessagesTest() {
    for (const char* queue : {"other", "q"}) {
      for (const std::string& broker_queue : lanes_.Add(queue)) queues_.Add(broker_queue);
    }
    Prepare();
  }

  // Every broker queue that is not.
  void Prepare() {
    for (const auto& step : queues_.Begin(now_, [](const std::string&) { return false; })) {
      queues_.OnPrepared(step, absl::OkStatus(), now_);
      const Lane lane = *lanes_.LaneOf(step.queue);
      lost_.OnPrepared(lane, now_);
      DispatchLane& rows = Rows(lane);
      rows.Restart();
      for (const auto& request : rows.NextReads(now_)) {
        rows.OnRead(request, std::vector<OutboxEntry>());
      }
    }
  }
  DispatchLane& Rows(const Lane& lane) { return lanes_.Find(lane)->rows; }
  static OutboxEntry Entry(int number) {
    return {number, *JobId::FromBytes(std::string(15, '\0') + static_cast<char>(number)), "a", {}};
  }
  // Messages of one job each, which the broker confirms.
  void Send(const Lane& lane, const std::vector<int>& numbers) {
    for (const int number : numbers) Rows(lane).OnQueued(Entry(number));
    for (const auto& message : Rows(lane).TakeReady(now_)) {
      for (const OutboxEntry& entry : message) Rows(lane).OnConfirmed(entry.type, entry.job);
    }
  }
  void Claimed(const Lane& lane, int number) {
    Rows(lane).OnLeft(Entry(number), /*claimed=*/true, now_);
  }
  std::vector<Lane> Begin() {
    std::vector<Lane> lanes;
    for (const LostMessages::Inspection& inspection : lost_.Begin(now_)) {
      EXPECT_EQ(inspection.broker_queue, lanes_.Find(inspection.lane)->broker_queue);
      lanes.push_back(inspection.lane);
    }
    return lanes;
  }
  // Time passes, up to the inspections that come then. The broker holds `ready` messages of
  // kNormal, and is well otherwise. Returns whether there is something to do now.
  bool Inspect(int64_t ready, int64_t prefetch = 0) {
    now_ += LostMessages::kInspectInterval;
    bool something = false;
    for (const Lane& lane : Begin()) {
      const bool ours = lane == kNormal;
      const int64_t messages = ours ? ready : Rows(lane).messages_out();
      something |= Answer(lane, amqp::QueueInfo{messages, 0}, ours ? prefetch : 0);
    }
    return something;
  }
  bool Answer(const Lane& lane, const absl::StatusOr<amqp::QueueInfo>& info, int64_t prefetch = 0) {
    return lost_.OnInspected(lane, info, prefetch, now_);
  }
  std::vector<Lane> Unprepared() {
    std::vector<Lane> lanes;
    for (const auto& [lane, entry] : lanes_.all()) {
      if (!queues_.IsPrepared(entry.broker_queue)) lanes.push_back(lane);
    }
    return lanes;
  }

  absl::Duration now_ = absl::Hours(1);
  LaneTable lanes_{"test"};
  BrokerQueues queues_;
  LostMessages lost_{&lanes_, &queues_};
};

TEST_F(LostMessagesTest, LooksAtALaneWithRowsOutEveryFiveSeconds) {
  Send(kNormal, {1});
  for (int i = 0; i < 3; ++i) {
    now_ += absl::Milliseconds(4999);
    EXPECT_THAT(Begin(), IsEmpty());
    now_ += absl::Milliseconds(1);
    EXPECT_THAT(Begin(), ElementsAre(kNormal));
  }
}

TEST_F(LostMessagesTest, LooksAtIdleLanesEveryHalfMinute) {
  for (int i = 0; i < 2; ++i) {
    now_ += absl::Seconds(29);
    EXPECT_THAT(Begin(), IsEmpty());
    now_ += LostMessages::kInspectInterval;
    EXPECT_EQ(Begin().size(), 6u);
  }
}

TEST_F(LostMessagesTest, CountsAPreparationAsALook) {
  Send(kNormal, {1});
  now_ += absl::Seconds(4);
  lost_.OnPrepared(kNormal, now_);
  now_ += absl::Seconds(4);
  EXPECT_THAT(Begin(), IsEmpty());
  now_ += absl::Seconds(1);
  EXPECT_THAT(Begin(), ElementsAre(kNormal));
}

TEST_F(LostMessagesTest, LooksAtNoQueueThatIsNotPrepared) {
  Send(kNormal, {1});
  queues_.Unprepare("test.q.normal");
  now_ += LostMessages::kInspectInterval;
  EXPECT_THAT(Begin(), IsEmpty());
}

TEST_F(LostMessagesTest, LooksAtNoLaneThatIsNotThereAnyMore) {
  lanes_.Remove("q");
  now_ += LostMessages::kIdleInspectInterval;
  for (const Lane& lane : Begin()) EXPECT_EQ(lane.queue, "other");
  EXPECT_FALSE(Answer(kNormal, absl::NotFoundError("no such queue")));
}

TEST_F(LostMessagesTest, LeavesALaneAloneWhoseMessagesAreThere) {
  Send(kNormal, {1, 2, 3});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Inspect(3));
  EXPECT_THAT(Unprepared(), IsEmpty());
}

TEST_F(LostMessagesTest, SendsALaneAgainThatHasMissedMessagesForFifteenSeconds) {
  Send(kNormal, {1, 2, 3});
  EXPECT_FALSE(Inspect(2)) << "it is missed from here on";
  EXPECT_FALSE(Inspect(2));
  EXPECT_FALSE(Inspect(2));
  EXPECT_TRUE(Inspect(2));
  EXPECT_THAT(Unprepared(), ElementsAre(kNormal));
}

TEST_F(LostMessagesTest, MissesNothingThatMayLieAtWorkers) {
  Send(kNormal, {1, 2, 3});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Inspect(2, /*prefetch=*/1));
  EXPECT_THAT(Unprepared(), IsEmpty());
}

TEST_F(LostMessagesTest, TakesBackOnlyWhatWasOvertakenMinutesAgo) {
  Send(kNormal, {1});
  Inspect(1);
  Send(kNormal, {2});
  Claimed(kNormal, 2);
  Send(kNormal, {3});
  bool something = false;
  // It compares with what had been claimed when it looked last, 5 min before.
  for (int i = 0; i < 130; ++i) something |= Inspect(2);
  EXPECT_TRUE(something);
  EXPECT_THAT(Unprepared(), IsEmpty());
  EXPECT_EQ(Rows(kNormal).out(), 1u);
  const auto again = Rows(kNormal).TakeReady(now_);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0][0].job, Entry(1).job);
}

TEST_F(LostMessagesTest, PurgesAQueueThatHasAWindowMoreThanIsOut) {
  const int64_t window = DispatchRows::kMinWindow;
  Send(kNormal, {1});
  EXPECT_FALSE(Inspect(1 + window));
  EXPECT_TRUE(Inspect(2 + window));
  EXPECT_THAT(Unprepared(), ElementsAre(kNormal));
}

TEST_F(LostMessagesTest, PreparesAGoneQueueAndTheIdlePrioritiesBesideIt) {
  Send(kNormal, {1});
  Send(kLow, {1});
  EXPECT_TRUE(Answer(kNormal, absl::NotFoundError("no such queue")));
  EXPECT_THAT(Unprepared(), UnorderedElementsAre(kHigh, kNormal));
}

TEST_F(LostMessagesTest, HearsOfAGoneQueueFromWhoeverNotices) {
  Send(kOther, {1});
  lost_.OnQueueGone(kOther);
  EXPECT_EQ(Unprepared().size(), 3u);
  for (const Lane& lane : Unprepared()) EXPECT_EQ(lane.queue, "other");
}

TEST_F(LostMessagesTest, SuspectsAQueueOverWhichTheConnectionWasLost) {
  Send(kNormal, {1});
  EXPECT_TRUE(Answer(kNormal, absl::AbortedError("the connection was lost during the call")));
  EXPECT_THAT(Unprepared(), IsEmpty());
  const auto steps = queues_.Begin(now_, [](const std::string&) { return false; });
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].queue, "test.q.normal");
  EXPECT_TRUE(steps[0].check);
}

TEST_F(LostMessagesTest, ConcludesNothingFromABrokerThatDoesNotAnswer) {
  Send(kNormal, {1});
  EXPECT_FALSE(Answer(kNormal, absl::UnavailableError("no answer")));
  EXPECT_THAT(Unprepared(), IsEmpty());
}

TEST_F(LostMessagesTest, ConcludesNothingAboutAQueueThatIsBeingPrepared) {
  Send(kNormal, {1});
  queues_.Unprepare("test.q.normal");
  EXPECT_FALSE(Answer(kNormal, absl::NotFoundError("no such queue")));
  EXPECT_THAT(Unprepared(), ElementsAre(kNormal));
}

}  // namespace
}  // namespace buzzer::state
