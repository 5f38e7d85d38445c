// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/queue_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "buzzer/internal/v1/dispatch.pb.h"
#include "common/utf8/utf8.h"

namespace buzzer::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
  ChannelPlan Decide(bool allowed = true) { return lane_.Decide(allowed, slots_, now_); }
  // Opens what the plan says. Until a channel has settled nothing is taken of it.
  int OpenAsPlanned() {
    const ChannelPlan plan = Decide();
    if (plan.open_prefetch > 0) lane_.Opened(++last_channel_, plan.open_prefetch, now_);
    return plan.open_prefetch;
  }
  void Open(int prefetch) {
    lane_.Opened(++last_channel_, prefetch, now_);
    now_ += absl::Seconds(1);
  }
  bool Add(amqp::Delivery delivery, amqp::ChannelId channel = 1) {
    delivery.channel = channel;
    return lane_.Add(delivery, now_);
  }
  std::optional<OfferedJob> Take() { return lane_.Take(slots_, now_); }
  void TakeAllSlotsOf(const char* type) {
    for (int i = 0; i < 2; ++i) slots_.Take(type);
  }

  QueueLane lane_{"buzzer", "q"};
  Slots slots_{OneQueue()};
  amqp::ChannelId last_channel_ = 0;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(QueueLaneTest, GivesBackWhatHasNoHandlerThoughEverySlotIsTaken) {
  Open(4);
  for (const char* type : {"a", "a", "b", "b"}) slots_.Take(type);
  ASSERT_TRUE(Add(Message("buzzer.q.normal", {"a", "b"})));
  EXPECT_FALSE(Take().has_value());
  ASSERT_TRUE(Add(Message("buzzer.q.normal", {"a", "unknown", "b", "unknown"})));
  for (int i = 0; i < 2; ++i) {
    const auto job = Take();
    ASSERT_TRUE(job.has_value());
    EXPECT_EQ(job->type, "unknown");
  }
  EXPECT_FALSE(Take().has_value());
  slots_.Free("b");
  EXPECT_EQ(Take()->type, "b");
}

TEST_F(QueueLaneTest, ConsumesFromTheThreePriorities) {
  EXPECT_THAT(lane_.broker_queues(),
              ElementsAre("buzzer.q.high", "buzzer.q.normal", "buzzer.q.low"));
}

TEST_F(QueueLaneTest, OpensItsChannelWhenThereIsRoomAndItMay) {
  EXPECT_EQ(Decide(/*allowed=*/false).open_prefetch, 0);
  TakeAllSlotsOf("a");
  TakeAllSlotsOf("b");
  EXPECT_EQ(Decide().open_prefetch, 0);
  slots_.Free("b");
  EXPECT_EQ(Decide().open_prefetch, 4) << "a message for each slot, also those that are taken now";
}

TEST_F(QueueLaneTest, ClosesAtOnceWhenItMayNotConsume) {
  Open(4);
  EXPECT_THAT(Decide(/*allowed=*/false).close, ElementsAre(1));
}

TEST_F(QueueLaneTest, StaysOpenHoweverLongItIsFull) {
  Open(4);
  for (const char* type : {"a", "b"}) TakeAllSlotsOf(type);
  for (int i = 0; i < 12; ++i) Add(Message(lane_.broker_queues()[i % 3], {"a"}));
  for (int minute = 0; minute < 60; ++minute) {
    const ChannelPlan plan = Decide();
    EXPECT_THAT(plan.close, IsEmpty());
    EXPECT_EQ(plan.open_prefetch, 0);
    now_ += absl::Minutes(1);
  }
}

TEST_F(QueueLaneTest, TakesNothingBeforeEachPriorityHadItsChanceToSendSome) {
  ASSERT_EQ(OpenAsPlanned(), 4);
  Add(Message("buzzer.q.high", {"a"}));
  EXPECT_FALSE(Take().has_value());
  Decide();
  EXPECT_EQ(lane_.next_decision(), now_ + absl::Milliseconds(50));
  Add(Message("buzzer.q.low", {"a"}));
  now_ += absl::Milliseconds(49);
  EXPECT_FALSE(Take().has_value());
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(Take().has_value());
}

TEST_F(QueueLaneTest, TakesAtOnceWhenEachPriorityHasSentSome) {
  OpenAsPlanned();
  for (const std::string& queue : lane_.broker_queues()) Add(Message(queue, {"a"}));
  EXPECT_TRUE(Take().has_value());
}

TEST_F(QueueLaneTest, LetsOthersPassAFullTypeThatTakesUpItsChannel) {
  TakeAllSlotsOf("a");
  ASSERT_EQ(OpenAsPlanned(), 4);
  now_ += absl::Seconds(1);
  for (int i = 0; i < 4; ++i) Add(Message("buzzer.q.normal", {"a"}));
  EXPECT_EQ(OpenAsPlanned(), 0) << "a slot of it may come free in a moment";
  now_ = lane_.next_decision();
  EXPECT_EQ(OpenAsPlanned(), 4);
  EXPECT_EQ(lane_.prefetch(), 8);
  Add(Message("buzzer.q.normal", {"a"}), 2);
  Add(Message("buzzer.q.normal", {"b"}), 2);
  EXPECT_EQ(Take()->type, "b");
}

TEST_F(QueueLaneTest, WidensUntilWhatItMayTakeHasPassed) {
  TakeAllSlotsOf("a");
  int taken_in = 0;
  for (int i = 0; i < 40; ++i) {
    OpenAsPlanned();
    for (; taken_in < lane_.prefetch(); ++taken_in) {
      Add(Message("buzzer.q.normal", {"a"}), last_channel_);
    }
    now_ += absl::Milliseconds(50);
  }
  EXPECT_EQ(lane_.prefetch(), 10'000) << "and no further";
}

TEST_F(QueueLaneTest, DoesNotWidenWhileNoSlotIsFree) {
  for (const char* type : {"a", "b"}) TakeAllSlotsOf(type);
  Open(4);
  for (int i = 0; i < 4; ++i) Add(Message("buzzer.q.normal", {"a"}));
  now_ += absl::Minutes(1);
  EXPECT_EQ(OpenAsPlanned(), 0);
}

TEST_F(QueueLaneTest, ClosesAFurtherChannelThatWasOfNoUseForAMinute) {
  TakeAllSlotsOf("a");
  Open(4);
  std::vector<OfferedJob> jobs;
  for (int i = 0; i < 4; ++i) Add(Message("buzzer.q.normal", {"a"}));
  OpenAsPlanned();
  now_ = lane_.next_decision();
  ASSERT_EQ(OpenAsPlanned(), 4);
  slots_.Free("a");
  slots_.Free("a");
  while (auto job = Take()) lane_.Acked(*job->message);
  EXPECT_THAT(Decide().close, IsEmpty());
  now_ += absl::Minutes(1);
  EXPECT_THAT(Decide().close, ElementsAre(2));
  lane_.Closed(2);
  EXPECT_EQ(lane_.prefetch(), 4);
}

TEST_F(QueueLaneTest, KeepsAFurtherChannelWhileAMessageOfItLiesHere) {
  Open(4);
  Open(4);
  Add(Message("buzzer.q.normal", {"a"}), 2);
  now_ += absl::Minutes(2);
  EXPECT_THAT(Decide().close, IsEmpty()) << "it would be given back";
  lane_.Acked(*Take()->message);
  now_ += absl::Minutes(2);
  EXPECT_THAT(Decide().close, ElementsAre(2));
}

TEST_F(QueueLaneTest, GivesBackThroughStateWhatItDidNotClaimForLong) {
  TakeAllSlotsOf("a");
  Open(4);
  Add(Message("buzzer.q.low", {"a"}));
  now_ += QueueLane::kMaxUnclaimed - absl::Milliseconds(1);
  Decide();
  EXPECT_FALSE(lane_.TakeOverdue(now_).has_value());
  EXPECT_EQ(lane_.next_decision(), now_ + absl::Milliseconds(1));
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(lane_.TakeOverdue(now_)->type, "a");
  EXPECT_FALSE(lane_.TakeOverdue(now_).has_value());
}

TEST_F(QueueLaneTest, TriesAgainAfterAFailureButNotAtOnce) {
  Open(4);
  EXPECT_TRUE(lane_.Failed(1, absl::InternalError("queue"), now_));
  EXPECT_EQ(Decide().open_prefetch, 0);
  now_ = lane_.next_decision();
  EXPECT_EQ(Decide().open_prefetch, 4);
}

TEST_F(QueueLaneTest, ClosesItsOtherChannelsWhenOneFails) {
  Open(4);
  Open(4);
  lane_.Failed(1, absl::InternalError("queue"), now_);
  EXPECT_THAT(Decide().close, ElementsAre(2));
}

TEST_F(QueueLaneTest, TellsAFailureOnlyWhenItIsNews) {
  EXPECT_TRUE(lane_.Failed(1, absl::InternalError("queue"), now_));
  EXPECT_FALSE(lane_.Failed(2, absl::InternalError("other queue"), now_));
  EXPECT_TRUE(lane_.Failed(3, absl::DeadlineExceededError("slow"), now_));
  Open(4);
  EXPECT_FALSE(lane_.Recovered(now_));
  ASSERT_TRUE(Add(Message("buzzer.q.high", {"a"})));
  EXPECT_TRUE(lane_.Recovered(now_));
  EXPECT_FALSE(lane_.Recovered(now_));
  EXPECT_TRUE(lane_.Failed(4, absl::DeadlineExceededError("slow"), now_));
}

TEST_F(QueueLaneTest, SaysThatTheQueueIsMissingOnlyWhenItStaysAway) {
  EXPECT_FALSE(lane_.Failed(1, absl::NotFoundError("no queue"), now_));
  EXPECT_EQ(lane_.problem(), "");
  Open(4);
  ASSERT_TRUE(Add(Message("buzzer.q.high", {"a"})));
  EXPECT_FALSE(lane_.Recovered(now_));
  EXPECT_FALSE(lane_.Failed(1, absl::NotFoundError("no queue"), now_));
  EXPECT_TRUE(lane_.Failed(3, absl::NotFoundError("no queue"), now_));
  EXPECT_EQ(lane_.problem(), "no queue");
  EXPECT_FALSE(lane_.Recovered(now_)) << "there is no channel";
}

TEST_F(QueueLaneTest, HasNoProblemAnyMoreOnceItsChannelHasLivedForAWhile) {
  lane_.Failed(1, absl::InternalError("queue"), now_);
  now_ += absl::Seconds(5);
  lane_.Opened(2, 4, now_);
  now_ += absl::Milliseconds(5999);
  EXPECT_FALSE(lane_.Recovered(now_));
  EXPECT_EQ(lane_.problem(), "queue");
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(lane_.Recovered(now_));
  lane_.ClosedAll();
  EXPECT_EQ(lane_.problem(), "") << "it does not come back with the next outage";
}

TEST_F(QueueLaneTest, TellsTheBrokersWordsInOneLine) {
  lane_.Failed(1, absl::InternalError("no\nsuch\xc3"), now_);
  EXPECT_EQ(lane_.problem(), OneLine("no\nsuch\xc3", 512));
  EXPECT_EQ(lane_.problem().find('\n'), std::string::npos);
}

TEST_F(QueueLaneTest, OpensItsChannelAnewWhenTheSlotsAreOthers) {
  EXPECT_EQ(OpenAsPlanned(), 4);
  Config config = OneQueue();
  lane_.Reconfigured();
  EXPECT_THAT(Decide().close, IsEmpty()) << "they are the same";
  config.slots = 1;
  slots_.Reconfigure(config);
  lane_.Reconfigured();
  EXPECT_THAT(Decide().close, ElementsAre(1));
  lane_.Closed(1);
  EXPECT_EQ(OpenAsPlanned(), 2);
}

TEST_F(QueueLaneTest, TakesJobsOfOnePriorityInOrder) {
  Open(4);
  Add(Message("buzzer.q.low", {"a", "b"}));
  Add(Message("buzzer.q.low", {"a"}));
  std::string order;
  while (auto job = Take()) order += job->type;
  EXPECT_EQ(order, "aba");
}

TEST_F(QueueLaneTest, PassesOverATypeThatIsFullButNotOneWithoutHandler) {
  Open(4);
  slots_.Take("a");
  slots_.Take("a");
  Add(Message("buzzer.q.normal", {"a", "b", "c"}));
  EXPECT_EQ(Take()->type, "b");
  EXPECT_EQ(Take()->type, "c");
  EXPECT_FALSE(Take().has_value());
}

TEST_F(QueueLaneTest, ForgetsOnlyWhatLiesInTheChannelThatCloses) {
  Open(4);
  Open(4);
  Add(Message("buzzer.q.normal", {"a"}), 1);
  Add(Message("buzzer.q.normal", {"b"}), 2);
  lane_.Closed(1);
  EXPECT_EQ(Take()->type, "b");
  EXPECT_FALSE(Take().has_value());
}

TEST_F(QueueLaneTest, PrefersHigherPriorities) {
  Open(4);
  Add(Message("buzzer.q.low", {"a"}));
  Add(Message("buzzer.q.high", {"b"}));
  EXPECT_EQ(Take()->type, "b");
  EXPECT_EQ(Take()->type, "a");
}

TEST_F(QueueLaneTest, CountsTheJobsOfAMessage) {
  Open(4);
  ASSERT_TRUE(Add(Message("buzzer.q.normal", {"a", "a", "b"})));
  EXPECT_EQ(Take()->message->unanswered, 3);
}

TEST_F(QueueLaneTest, RefusesAMessageWithNoJobInIt) {
  Open(4);
  EXPECT_FALSE(Add(Message("buzzer.q.normal", {})));
  EXPECT_FALSE(Add({1, 7, "buzzer.q.normal", "\xFF\xFF not a message", false}));
}

TEST_F(QueueLaneTest, ForgetsWhatLiesThereWhenItCloses) {
  Open(4);
  Add(Message("buzzer.q.normal", {"a"}));
  lane_.ClosedAll();
  EXPECT_FALSE(Take().has_value());
  EXPECT_EQ(lane_.prefetch(), 0);
}

}  // namespace
}  // namespace buzzer::worker
