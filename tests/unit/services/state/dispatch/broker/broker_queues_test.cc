// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/broker/broker_queues.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = BrokerQueues::Outcome;
using Step = BrokerQueues::Step;

absl::Status Lost() { return absl::AbortedError("the connection was lost during the call"); }
absl::Status Silent() { return absl::UnavailableError("no answer"); }

class BrokerQueuesTest : public ::testing::Test {
 protected:
  std::vector<Step> Begin() {
    return queues_.Begin(now_, [this](const std::string& queue) { return busy_.contains(queue); });
  }
  // The only step that there is.
  Step BeginOne() {
    std::vector<Step> steps = Begin();
    EXPECT_THAT(steps, SizeIs(1));
    return steps.empty() ? Step{} : steps[0];
  }
  std::vector<std::string> Names(const std::vector<Step>& steps) {
    std::vector<std::string> names;
    for (const Step& step : steps) names.push_back(step.queue);
    return names;
  }
  Outcome End(const Step& step, const absl::Status& status = absl::OkStatus()) {
    return queues_.OnPrepared(step, status, now_);
  }
  void EndAll(const std::vector<Step>& steps, const absl::Status& status) {
    for (const Step& step : steps) End(step, status);
  }
  void Pass(absl::Duration time) { now_ += time; }

  BrokerQueues queues_;
  absl::Duration now_ = absl::Hours(1);
  std::set<std::string> busy_;
};

TEST_F(BrokerQueuesTest, PreparesEachOnce) {
  queues_.Add("a");
  EXPECT_FALSE(queues_.IsPrepared("a"));
  EXPECT_EQ(queues_.unprepared(), 1u);
  const Step step = BeginOne();
  EXPECT_THAT(Begin(), IsEmpty());
  EXPECT_EQ(End(step), Outcome::kPrepared);
  EXPECT_TRUE(queues_.IsPrepared("a"));
  EXPECT_EQ(queues_.unprepared(), 0u);
  EXPECT_THAT(Begin(), IsEmpty());
}

TEST_F(BrokerQueuesTest, BeginsWithThoseThatHaveJobs) {
  for (const char* name : {"a", "b", "c", "d"}) queues_.Add(name);
  busy_ = {"c", "d"};
  EXPECT_THAT(Names(Begin()), ElementsAre("c", "d", "a", "b"));
}

TEST_F(BrokerQueuesTest, PreparesABoundedNumberAtOnce) {
  for (size_t i = 0; i < BrokerQueues::kAtOnce + 5; ++i) queues_.Add(absl::StrCat("q", i));
  const std::vector<Step> steps = Begin();
  EXPECT_THAT(steps, SizeIs(BrokerQueues::kAtOnce));
  EXPECT_THAT(Begin(), IsEmpty());
  EndAll(steps, absl::OkStatus());
  EXPECT_THAT(Begin(), SizeIs(5));
}

TEST_F(BrokerQueuesTest, AQueueWithJobsGoesBeforeThoseThatWaitLonger) {
  for (size_t i = 0; i < BrokerQueues::kAtOnce + 5; ++i) queues_.Add(absl::StrCat("q", i));
  const std::vector<Step> steps = Begin();
  queues_.Add("z");
  busy_ = {"z"};
  End(steps[0]);
  EXPECT_EQ(BeginOne().queue, "z");
}

TEST_F(BrokerQueuesTest, TriesAFailedOneAgainLaterEachTime) {
  queues_.Add("a");
  for (const int milliseconds : {250, 500, 1000, 2000, 4000, 8000, 8000}) {
    EXPECT_EQ(End(BeginOne(), Silent()), Outcome::kFailed);
    Pass(absl::Milliseconds(milliseconds - 1));
    EXPECT_THAT(Begin(), IsEmpty());
    Pass(absl::Milliseconds(1));
  }
  EXPECT_EQ(End(BeginOne()), Outcome::kPrepared);
  queues_.Unprepare("a");
  End(BeginOne(), Silent());
  Pass(BrokerQueues::kFirstRetry);
  EXPECT_EQ(BeginOne().queue, "a");
}

TEST_F(BrokerQueuesTest, TellsOfARowOfFailuresEverMoreRarely) {
  queues_.Add("a");
  std::vector<int> told;
  for (int i = 1; i <= 20; ++i) {
    End(BeginOne(), Silent());
    if (queues_.IsNews("a")) told.push_back(i);
    Pass(BrokerQueues::kLongestRetry);
  }
  EXPECT_THAT(told, ElementsAre(1, 2, 4, 8, 16));
}

TEST_F(BrokerQueuesTest, OneFailureDelaysNoOther) {
  queues_.Add("a");
  queues_.Add("b");
  const std::vector<Step> steps = Begin();
  End(steps[0], Silent());
  EXPECT_EQ(End(steps[1]), Outcome::kPrepared);
}

TEST_F(BrokerQueuesTest, AsksForEachAloneAfterTheConnectionWasLost) {
  for (const char* name : {"a", "b", "c"}) queues_.Add(name);
  EndAll(Begin(), Lost());
  for (const char* name : {"a", "b", "c"}) {
    const Step step = BeginOne();
    EXPECT_EQ(step.queue, name);
    EXPECT_TRUE(step.alone);
    EXPECT_FALSE(step.remake);
    EXPECT_EQ(End(step), Outcome::kPrepared);
  }
  queues_.Unprepare("b");
  EXPECT_FALSE(BeginOne().alone) << "it is no suspect any more";
}

TEST_F(BrokerQueuesTest, ASuspectHoldsUpNoneButSuspects) {
  for (const char* name : {"a", "b"}) queues_.Add(name);
  EndAll(Begin(), Lost());
  BeginOne();
  queues_.Add("c");
  EXPECT_EQ(BeginOne().queue, "c");
}

TEST_F(BrokerQueuesTest, RemakesOnlyTheOneThatLosesTheConnectionAloneAgainAndAgain) {
  for (const char* name : {"bad", "good"}) queues_.Add(name);
  EndAll(Begin(), Lost());
  for (int i = 1; i <= BrokerQueues::kStrikes; ++i) {
    const std::vector<Step> steps = Begin();
    ASSERT_THAT(Names(steps), ElementsAre("bad"));
    EXPECT_FALSE(steps[0].remake);
    EXPECT_EQ(End(steps[0], Lost()), Outcome::kFailed);
    if (i == 1) {
      EXPECT_EQ(End(BeginOne()), Outcome::kPrepared) << "the good one";
    }
    Pass(BrokerQueues::kLongestRetry);
  }
  const Step step = BeginOne();
  EXPECT_EQ(step.queue, "bad");
  EXPECT_TRUE(step.remake);
  EXPECT_TRUE(step.alone);
  EXPECT_EQ(End(step), Outcome::kPrepared);
  queues_.UnprepareAll();
  for (const Step& again : Begin()) EXPECT_FALSE(again.remake) << again.queue;
}

TEST_F(BrokerQueuesTest, ASuccessForgivesLostConnections) {
  queues_.Add("a");
  for (int i = 0; i < 2 * BrokerQueues::kStrikes; ++i) {
    End(BeginOne(), Lost());
    Pass(BrokerQueues::kLongestRetry);
    const Step alone = BeginOne();
    EXPECT_FALSE(alone.remake);
    End(alone);
    queues_.Unprepare("a");
  }
}

TEST_F(BrokerQueuesTest, ChecksAPreparedSuspectAndDispatchesToItMeanwhile) {
  queues_.Add("a");
  End(BeginOne());
  queues_.Suspect("a");
  EXPECT_TRUE(queues_.IsPrepared("a"));
  const Step step = BeginOne();
  EXPECT_TRUE(step.check);
  EXPECT_TRUE(step.alone);
  EXPECT_EQ(End(step), Outcome::kChecked);
  EXPECT_THAT(Begin(), IsEmpty());
}

TEST_F(BrokerQueuesTest, RemakesAPreparedSuspectThatTurnsOutToBeBroken) {
  queues_.Add("a");
  End(BeginOne());
  queues_.Suspect("a");
  for (int i = 0; i < BrokerQueues::kStrikes; ++i) {
    EXPECT_TRUE(queues_.IsPrepared("a"));
    End(BeginOne(), Lost());
    Pass(BrokerQueues::kLongestRetry);
  }
  EXPECT_FALSE(queues_.IsPrepared("a"));
  const Step step = BeginOne();
  EXPECT_TRUE(step.remake);
  EXPECT_FALSE(step.check);
}

TEST_F(BrokerQueuesTest, ANewPublishingConnectionMakesAnEarlierPreparationVoid) {
  queues_.Add("a");
  const Step before = BeginOne();
  queues_.UnprepareAll();
  EXPECT_THAT(Begin(), IsEmpty()) << "it is under way still";
  EXPECT_EQ(End(before), Outcome::kStale);
  EXPECT_EQ(End(BeginOne()), Outcome::kPrepared);
}

TEST_F(BrokerQueuesTest, AReconnectionEndsEveryDelay) {
  queues_.Add("a");
  End(BeginOne(), Silent());
  queues_.UnprepareAll();
  EXPECT_EQ(BeginOne().queue, "a");
}

TEST_F(BrokerQueuesTest, ForgetsARemovedOne) {
  queues_.Add("a");
  const Step step = BeginOne();
  queues_.Remove("a");
  EXPECT_EQ(End(step), Outcome::kStale);
  EXPECT_FALSE(queues_.IsPrepared("a"));
  EXPECT_FALSE(queues_.IsNews("a"));
  EXPECT_EQ(queues_.size(), 0u);
}

}  // namespace
}  // namespace buzzer::state
