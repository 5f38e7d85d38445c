// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/queue_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "buzzer/internal/v1/dispatch.pb.h"

namespace buzzer::worker {
namespace {

using ::testing::ElementsAre;

Config OneQueue() {
  Config config;
  config.slots = 4;
  for (const char* type : {"a", "b"}) {
    HandlerConfig handler;
    handler.type = type;
    handler.queue = "q";
    handler.concurrency = 2;
    config.handlers.push_back(handler);
  }
  return config;
}

amqp::Delivery Message(const std::string& queue, const std::vector<std::string>& types) {
  internal::v1::DispatchMessage body;
  for (const std::string& type : types) {
    auto* entry = body.add_jobs();
    entry->set_job_id(std::string(JobId::Make(absl::UnixEpoch()).bytes()));
    entry->set_type(type);
  }
  return {1, 7, queue, body.SerializeAsString(), false};
}

class QueueLaneTest : public ::testing::Test {
 protected:
  ChannelAction Decide(int free) { return lane_.Decide(/*allowed=*/true, free, now_); }
  void Open(int prefetch) { lane_.Opened(1, prefetch, now_); }

  QueueLane lane_{"buzzer", "q"};
  Slots slots_{OneQueue()};
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(QueueLaneTest, GivesBackWhatHasNoHandlerThoughEverySlotIsTaken) {
  Open(4);
  for (const char* type : {"a", "a", "b", "b"}) slots_.Take(type);
  ASSERT_TRUE(lane_.Add(Message("buzzer.q.normal", {"a", "b"})));
  EXPECT_FALSE(lane_.Take(slots_).has_value());
  ASSERT_TRUE(lane_.Add(Message("buzzer.q.normal", {"a", "unknown", "b", "unknown"})));
  for (int i = 0; i < 2; ++i) {
    const auto job = lane_.Take(slots_);
    ASSERT_TRUE(job.has_value());
    EXPECT_EQ(job->type, "unknown");
  }
  EXPECT_FALSE(lane_.Take(slots_).has_value());
  slots_.Free("b");
  EXPECT_EQ(lane_.Take(slots_)->type, "b");
}

TEST_F(QueueLaneTest, ConsumesFromTheThreePriorities) {
  EXPECT_THAT(lane_.broker_queues(),
              ElementsAre("buzzer.q.high", "buzzer.q.normal", "buzzer.q.low"));
}

TEST_F(QueueLaneTest, OpensItsChannelWhenThereIsRoomAndItMay) {
  EXPECT_EQ(lane_.Decide(false, 4, now_), ChannelAction::kNone);
  EXPECT_EQ(Decide(0), ChannelAction::kNone);
  EXPECT_EQ(Decide(1), ChannelAction::kOpen);
}

TEST_F(QueueLaneTest, ClosesAtOnceWhenItMayNotConsume) {
  Open(4);
  EXPECT_EQ(lane_.Decide(false, 4, now_), ChannelAction::kClose);
}

TEST_F(QueueLaneTest, ClosesOnceItHasBeenFullForASecond) {
  Open(4);
  EXPECT_EQ(Decide(0), ChannelAction::kNone);
  EXPECT_EQ(lane_.next_decision(), now_ + absl::Seconds(1));
  now_ += absl::Milliseconds(999);
  EXPECT_EQ(Decide(0), ChannelAction::kNone);
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Decide(0), ChannelAction::kClose);
  lane_.Closed();
  EXPECT_EQ(Decide(0), ChannelAction::kNone);
  EXPECT_EQ(Decide(1), ChannelAction::kOpen);
}

TEST_F(QueueLaneTest, StaysOpenIfASlotBecomesFreeInTime) {
  Open(4);
  Decide(0);
  now_ += absl::Milliseconds(900);
  EXPECT_EQ(Decide(1), ChannelAction::kNone);
  now_ += absl::Milliseconds(900);
  EXPECT_EQ(Decide(0), ChannelAction::kNone);
}

TEST_F(QueueLaneTest, GivesBackWhatWaitsForATypeThatIsFull) {
  Open(4);
  slots_.Take("a");
  slots_.Take("a");
  ASSERT_TRUE(lane_.Add(Message("buzzer.q.normal", {"a"})));
  EXPECT_FALSE(lane_.Take(slots_).has_value());
  Decide(2);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Decide(2), ChannelAction::kClose);
  lane_.Closed();
  EXPECT_EQ(Decide(2), ChannelAction::kNone) << "it would only get the same again";
  lane_.SlotFreed();
  EXPECT_EQ(Decide(3), ChannelAction::kOpen);
}

TEST_F(QueueLaneTest, OpensAnewWhenItsPrefetchHasBecomeTooSmall) {
  Open(1);
  EXPECT_EQ(Decide(2), ChannelAction::kNone);
  EXPECT_EQ(lane_.next_decision(), now_ + absl::Seconds(1));
  now_ += absl::Seconds(1);
  EXPECT_EQ(Decide(1), ChannelAction::kNone);
  EXPECT_EQ(Decide(2), ChannelAction::kReopen);
}

TEST_F(QueueLaneTest, PrefetchesFewerMessagesTheMoreJobsTheyHave) {
  EXPECT_EQ(lane_.PrefetchFor(100), 100);
  Open(100);
  lane_.Add(Message("buzzer.q.normal", std::vector<std::string>(50, "a")));
  EXPECT_EQ(lane_.PrefetchFor(100), 4);
  EXPECT_EQ(lane_.PrefetchFor(1), 2) << "the next is here as one is done";
  for (int i = 0; i < 100; ++i) lane_.Add(Message("buzzer.q.normal", {"a"}));
  EXPECT_EQ(lane_.PrefetchFor(100), 100) << "it follows them down";
}

TEST_F(QueueLaneTest, OpensAnewWhenMessagesHaveFarMoreJobsThanItWasOpenedFor) {
  Open(4);
  lane_.Add(Message("buzzer.q.normal", {"a", "a"}));
  EXPECT_TRUE(lane_.Take(slots_).has_value()) << "and more is offered";
  now_ += absl::Milliseconds(500);
  EXPECT_EQ(Decide(4), ChannelAction::kNone);
  now_ += absl::Milliseconds(500);
  EXPECT_EQ(Decide(4), ChannelAction::kReopen);
  lane_.Closed();
  Open(4);
  now_ += absl::Seconds(2);
  EXPECT_EQ(Decide(4), ChannelAction::kNone);
}

TEST_F(QueueLaneTest, TriesAgainAfterAFailureButNotAtOnce) {
  Open(4);
  EXPECT_TRUE(lane_.Failed(absl::InternalError("queue"), now_));
  EXPECT_EQ(Decide(4), ChannelAction::kNone);
  lane_.SlotFreed();
  EXPECT_EQ(Decide(4), ChannelAction::kNone);
  now_ = lane_.next_decision();
  EXPECT_EQ(Decide(4), ChannelAction::kOpen);
}

TEST_F(QueueLaneTest, TellsAFailureOnlyWhenItIsNews) {
  EXPECT_TRUE(lane_.Failed(absl::InternalError("queue"), now_));
  EXPECT_FALSE(lane_.Failed(absl::InternalError("other queue"), now_));
  EXPECT_TRUE(lane_.Failed(absl::DeadlineExceededError("slow"), now_));
  EXPECT_TRUE(lane_.Recovered());
  EXPECT_FALSE(lane_.Recovered());
  EXPECT_TRUE(lane_.Failed(absl::DeadlineExceededError("slow"), now_));
}

TEST_F(QueueLaneTest, SaysThatTheQueueIsMissingOnlyWhenItStaysAway) {
  EXPECT_FALSE(lane_.Failed(absl::NotFoundError("no queue"), now_));
  EXPECT_FALSE(lane_.Recovered());
  EXPECT_FALSE(lane_.Failed(absl::NotFoundError("no queue"), now_));
  EXPECT_TRUE(lane_.Failed(absl::NotFoundError("no queue"), now_));
  EXPECT_TRUE(lane_.Recovered());
}

TEST_F(QueueLaneTest, TakesJobsOfOnePriorityInOrder) {
  Open(4);
  lane_.Add(Message("buzzer.q.low", {"a", "b"}));
  lane_.Add(Message("buzzer.q.low", {"a"}));
  std::string order;
  while (auto job = lane_.Take(slots_)) order += job->type;
  EXPECT_EQ(order, "aba");
}

TEST_F(QueueLaneTest, PassesOverATypeThatIsFullButNotOneWithoutHandler) {
  Open(4);
  slots_.Take("a");
  slots_.Take("a");
  lane_.Add(Message("buzzer.q.normal", {"a", "b", "c"}));
  EXPECT_EQ(lane_.Take(slots_)->type, "b");
  EXPECT_EQ(lane_.Take(slots_)->type, "c");
  EXPECT_FALSE(lane_.Take(slots_).has_value());
}

TEST_F(QueueLaneTest, PrefersHigherPriorities) {
  Open(4);
  lane_.Add(Message("buzzer.q.low", {"a"}));
  lane_.Add(Message("buzzer.q.high", {"b"}));
  EXPECT_EQ(lane_.Take(slots_)->type, "b");
  EXPECT_EQ(lane_.Take(slots_)->type, "a");
}

TEST_F(QueueLaneTest, CountsTheJobsOfAMessage) {
  Open(4);
  ASSERT_TRUE(lane_.Add(Message("buzzer.q.normal", {"a", "a", "b"})));
  EXPECT_EQ(lane_.Take(slots_)->message->unanswered, 3);
}

TEST_F(QueueLaneTest, RefusesAMessageWithNoJobInIt) {
  Open(4);
  EXPECT_FALSE(lane_.Add(Message("buzzer.q.normal", {})));
  EXPECT_FALSE(lane_.Add({1, 7, "buzzer.q.normal", "\xFF\xFF not a message", false}));
}

TEST_F(QueueLaneTest, ForgetsWhatLiesThereWhenItCloses) {
  Open(4);
  lane_.Add(Message("buzzer.q.normal", {"a"}));
  lane_.Closed();
  EXPECT_FALSE(lane_.Take(slots_).has_value());
  EXPECT_EQ(lane_.prefetch(), 0);
}

}  // namespace
}  // namespace buzzer::worker
