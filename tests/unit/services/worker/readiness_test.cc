// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"

namespace buzzer::worker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;
using Reason = Readiness::Reason;

class ReadinessTest : public ::testing::Test {
 protected:
  // A handler for each type, in the queue that it names.
  static Config Serving(const std::vector<std::pair<std::string, std::string>>& types) {
    Config config;
    for (const auto& [type, queue] : types) {
      HandlerConfig handler;
      handler.type = type;
      handler.queue = queue;
      config.handlers.push_back(handler);
    }
    return config;
  }

  // Two queues, of which both are taken.
  void BecomeReady() {
    readiness_.Serve(Serving({{"one", "one"}, {"two", "two"}}));
    readiness_.SetStateUp(true);
    readiness_.SetBrokerUp(true);
    readiness_.SetQueueProblem("one", "");
    readiness_.SetQueueProblem("two", "");
  }

  // The reason of each problem, with its queue.
  std::vector<std::string> Reasons() const {
    std::vector<std::string> reasons;
    for (const auto& problem : readiness_.problems()) {
      std::string reason = ReasonName(problem.reason);
      if (!problem.queue.empty()) absl::StrAppend(&reason, " ", problem.queue);
      reasons.push_back(std::move(reason));
    }
    return reasons;
  }

  testing::FakeClock clock_;
  std::vector<bool> told_;
  Readiness readiness_{[this](bool ready) { told_.push_back(ready); }, &clock_};
};

TEST_F(ReadinessTest, BeginsNotReadyAndSaysWhatItWaitsForButNotInTheLog) {
  ::testing::internal::CaptureStderr();
  readiness_.Serve(Serving({{"one", "one"}}));
  EXPECT_FALSE(readiness_.ready());
  EXPECT_THAT(Reasons(), ElementsAre("state", "broker", "queue one"));
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
}

TEST_F(ReadinessTest, SaysWhyTheBrokerWasNeverReached) {
  readiness_.SetStateUp(true);
  readiness_.SetBrokerUp(false);
  readiness_.SetBrokerUnreachable("it refuses the password");
  readiness_.SetBrokerUp(false);
  ASSERT_EQ(readiness_.problems().size(), 1u);
  EXPECT_EQ(readiness_.problems()[0].why, "it refuses the password");
  EXPECT_FALSE(readiness_.problems()[0].is_start) << "so the log says it";
}

TEST_F(ReadinessTest, IsReadyOnceOneOfItsQueuesIsConsumed) {
  readiness_.Serve(Serving({{"one", "one"}, {"two", "two"}}));
  readiness_.SetStateUp(true);
  readiness_.SetBrokerUp(true);
  EXPECT_FALSE(readiness_.ready());
  readiness_.SetQueueProblem("two", "");
  EXPECT_TRUE(readiness_.ready());
  EXPECT_THAT(told_, ElementsAre(true));
  EXPECT_THAT(readiness_.queues(), ElementsAre(Pair("one", false), Pair("two", true)));
  EXPECT_THAT(Reasons(), ElementsAre("queue one"));
}

TEST_F(ReadinessTest, IsNotReadyWhileStateOrTheBrokerIsAway) {
  BecomeReady();
  readiness_.SetBrokerUp(false);
  EXPECT_THAT(Reasons(), ElementsAre("broker"));
  EXPECT_THAT(readiness_.queues(), ElementsAre(Pair("one", false), Pair("two", false)));
  readiness_.SetBrokerUp(true);
  readiness_.SetStateUp(false);
  EXPECT_THAT(Reasons(), ElementsAre("state"));
  readiness_.SetStateUp(true);
  EXPECT_THAT(Reasons(), IsEmpty()) << "queues that were consumed are not waited for again";
  EXPECT_THAT(told_, ElementsAre(true, false, true, false, true));
}

TEST_F(ReadinessTest, IsNotReadyOnceNoQueueIsThere) {
  BecomeReady();
  readiness_.SetQueueProblem("one", "NOT_FOUND: no queue");
  EXPECT_TRUE(readiness_.ready());
  readiness_.SetQueueProblem("two", "NOT_FOUND: no queue");
  EXPECT_FALSE(readiness_.ready());
  EXPECT_THAT(Reasons(), ElementsAre("queue one", "queue two"));
  readiness_.SetQueueProblem("one", "");
  EXPECT_TRUE(readiness_.ready());
}

TEST_F(ReadinessTest, CountsAQueueOfWhichEveryTypeIsRefused) {
  BecomeReady();
  readiness_.Serve(Serving({{"a", "one"}, {"b", "one"}}));
  readiness_.SetRefusals({{"", "a", "too many types"}});
  EXPECT_TRUE(readiness_.ready()) << "the other type may come";
  readiness_.SetRefusals({{"", "a", "too many types"}, {"", "b", "too many types"}});
  EXPECT_FALSE(readiness_.ready());
  EXPECT_THAT(Reasons(), ElementsAre("refused one"));
  readiness_.SetRefusals({});
  EXPECT_TRUE(readiness_.ready());
}

TEST_F(ReadinessTest, TakesNothingOfARefusedQueueOrIfAllIsRefused) {
  BecomeReady();
  readiness_.SetRefusals({{"one", "", "200 queues are the most"}});
  EXPECT_TRUE(readiness_.ready());
  EXPECT_THAT(readiness_.queues(), ElementsAre(Pair("one", false), Pair("two", true)));
  readiness_.SetRefusals({{"", "", "another broker"}});
  EXPECT_FALSE(readiness_.ready());
  EXPECT_THAT(readiness_.problems(),
              ElementsAre(::testing::Field(&Readiness::Problem::why, "another broker")));
}

TEST_F(ReadinessTest, ForgetsRefusalsWithTheStream) {
  BecomeReady();
  readiness_.SetRefusals({{"", "", "another broker"}});
  readiness_.SetStateUp(false);
  readiness_.SetStateUp(true);
  EXPECT_TRUE(readiness_.ready());
}

TEST_F(ReadinessTest, WaitsForWhatANewConfigurationAdds) {
  BecomeReady();
  readiness_.Serve(Serving({{"two", "two"}, {"three", "three"}}));
  EXPECT_THAT(readiness_.queues(), ElementsAre(Pair("three", false), Pair("two", true)));
  readiness_.Serve(Serving({{"three", "three"}}));
  EXPECT_FALSE(readiness_.ready());
  readiness_.SetQueueProblem("two", "");
  EXPECT_FALSE(readiness_.ready()) << "it is not served any more";
  readiness_.SetQueueProblem("three", "");
  EXPECT_TRUE(readiness_.ready());
}

TEST_F(ReadinessTest, IsNotReadyOnceItDrains) {
  BecomeReady();
  readiness_.Drain();
  EXPECT_FALSE(readiness_.ready());
  EXPECT_THAT(Reasons(), ElementsAre("draining"));
}

TEST_F(ReadinessTest, KeepsNoMoreOfAReasonThanALine) {
  BecomeReady();
  readiness_.SetQueueProblem("one", "two\nlines " + std::string(600, 'x'));
  ASSERT_THAT(Reasons(), ElementsAre("queue one"));
  EXPECT_LE(readiness_.problems()[0].why.size(), 512u);
  EXPECT_THAT(readiness_.problems()[0].why, StartsWith("two?lines "));
}

TEST_F(ReadinessTest, SaysWhyItIsNotReadyOnceAndThatItIsAgain) {
  BecomeReady();
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 50; ++i) {
    readiness_.SetBrokerUp(false);
    readiness_.SetBrokerUp(false);
  }
  readiness_.SetQueueProblem("one", "NOT_FOUND: no queue 'other.one.high'");
  const std::string down = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(down.begin(), down.end(), '\n'), 2) << down;
  EXPECT_THAT(down, AllOf(HasSubstr("not_ready"), HasSubstr("not connected to the broker"),
                          HasSubstr("queue one: NOT_FOUND: no queue 'other.one.high'")));
  ::testing::internal::CaptureStderr();
  readiness_.SetBrokerUp(true);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(R"("event":"ready")"));
}

TEST_F(ReadinessTest, FillsNoLogThoughTheBrokerComesAndGoes) {
  BecomeReady();
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 1000; ++i) {
    readiness_.SetBrokerUp(false);
    clock_.Advance(absl::Milliseconds(10));
    readiness_.SetBrokerUp(true);
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 4);
}

TEST_F(ReadinessTest, SaysEachRefusalOnce) {
  BecomeReady();
  ::testing::internal::CaptureStderr();
  std::vector<Refusal> refusals;
  refusals.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    refusals.push_back({"", absl::StrCat("type.", i), "10000 types are the most"});
  }
  readiness_.SetRefusals(refusals);
  readiness_.SetRefusals(refusals);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 101) << "a hundred, and the others";
  EXPECT_THAT(log, HasSubstr(R"("type":"type.7")"));
}

}  // namespace
}  // namespace buzzer::worker
