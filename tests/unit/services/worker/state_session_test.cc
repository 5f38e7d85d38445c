// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/state_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/unit/services/worker/support/fake_state_line.h"
#include "tests/unit/services/worker/support/silent_listener.h"

namespace buzzer::worker {
namespace {

using internal::v1::WorkRequest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Listener final : public SilentListener {
 public:
  void OnClaimAnswer(internal::v1::ClaimAnswer& answer) override {
    claims.push_back(answer.claim_id());
  }
  void OnOutcomeAnswer(const internal::v1::OutcomeAnswer&) override { ++outcomes; }

  std::vector<std::string> claims;
  int outcomes = 0;
};

std::vector<std::string> ClaimIds(const WorkRequest& request) {
  std::vector<std::string> ids;
  for (const auto& claim : request.claims()) ids.push_back(claim.claim_id());
  return ids;
}

class StateSessionTest : public ::testing::Test {
 protected:
  void SetUp() override { session_.Connect(&line_, &listener_); }

  internal::v1::Claim Claim(const std::string& id) const {
    internal::v1::Claim claim;
    claim.set_claim_id(id);
    claim.set_job_id(std::string(lease_.key.job.bytes()));
    claim.set_intent(internal::v1::Claim::INTENT_RUN);
    return claim;
  }
  internal::v1::Outcome Outcome(int attempt = 1, const std::string& result = "") const {
    internal::v1::Outcome outcome;
    lease_.Fill(&outcome);
    outcome.set_attempt(attempt);
    outcome.mutable_success()->set_result(result);
    return outcome;
  }
  static internal::v1::Hello Hello(const std::string& worker) {
    internal::v1::Hello hello;
    hello.set_worker(worker);
    return hello;
  }

  testing::FakeClock clock_;
  StateSession session_{&clock_};
  FakeStateLine line_{&session_};
  Listener listener_;
  const LeaseRef lease_{{JobId::Make(absl::UnixEpoch()), 1}, "lease"};
};

TEST_F(StateSessionTest, SaysHelloFirstOnEveryStreamAndWhenItChanges) {
  session_.SetHello(Hello("a"), /*repeat=*/false);
  line_.Up();
  EXPECT_EQ(line_.Take().hello().worker(), "a");
  EXPECT_FALSE(line_.Take().has_hello());
  session_.SetHello(Hello("a"), /*repeat=*/false);
  EXPECT_FALSE(line_.Take().has_hello());
  session_.SetHello(Hello("a"), /*repeat=*/true);
  EXPECT_EQ(line_.Take().hello().worker(), "a");
  session_.SetHello(Hello("b"), /*repeat=*/false);
  EXPECT_EQ(line_.Take().hello().worker(), "b");
  line_.Down();
  line_.Up();
  EXPECT_EQ(line_.Take().hello().worker(), "b");
}

TEST_F(StateSessionTest, SendsNothingWhileTheLineIsDown) {
  session_.SetHello(Hello("a"), /*repeat=*/false);
  session_.Claim(Claim("1"));
  WorkRequest request;
  EXPECT_FALSE(session_.NextRequest(&request));
}

TEST_F(StateSessionTest, RepeatsUnansweredClaimsWithTheirIdsOnTheNextStream) {
  line_.Up();
  session_.Claim(Claim("1"));
  session_.Claim(Claim("2"));
  EXPECT_THAT(ClaimIds(line_.Take()), ElementsAre("1", "2"));
  EXPECT_THAT(ClaimIds(line_.Take()), IsEmpty());
  line_.SayGone(Claim("1"));
  line_.Down();
  line_.Up();
  EXPECT_THAT(ClaimIds(line_.Take()), ElementsAre("2"));
}

TEST_F(StateSessionTest, TellsOneAnswerOfEachClaim) {
  line_.Up();
  session_.Claim(Claim("1"));
  line_.Take();
  line_.SayGone(Claim("1"));
  line_.SayGone(Claim("1"));
  line_.SayGone(Claim("never asked"));
  EXPECT_THAT(listener_.claims, ElementsAre("1"));
}

TEST_F(StateSessionTest, GivesClaimsBackOnceItDrains) {
  line_.Up();
  session_.Claim(Claim("sent"));
  line_.Take();
  session_.ReturnClaims();
  session_.Claim(Claim("new"));
  line_.Down();
  line_.Up();
  const WorkRequest request = line_.Take();
  ASSERT_THAT(ClaimIds(request), ElementsAre("sent", "new"));
  for (const auto& claim : request.claims()) {
    EXPECT_EQ(claim.intent(), internal::v1::Claim::INTENT_RETURN_DRAINING);
  }
}

TEST_F(StateSessionTest, RepeatsAnOutcomeUntilItIsAnswered) {
  line_.Up();
  session_.Finish(Outcome());
  EXPECT_EQ(line_.Take().outcomes_size(), 1);
  EXPECT_EQ(line_.Take().outcomes_size(), 0);
  line_.Down();
  line_.Up();
  EXPECT_EQ(line_.Take().outcomes_size(), 1);
  line_.AnswerOutcome(Outcome());
  line_.AnswerOutcome(Outcome());
  EXPECT_EQ(listener_.outcomes, 1);
  line_.Down();
  line_.Up();
  EXPECT_EQ(line_.Take().outcomes_size(), 0);
}

TEST_F(StateSessionTest, SpreadsLargeOutcomesOverMessages) {
  line_.Up();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    session_.Finish(Outcome(attempt, std::string(2 << 20, 'x')));
  }
  int outcomes = 0;
  int messages = 0;
  while (outcomes < 3) {
    const WorkRequest request = line_.Take();
    ASSERT_GT(request.outcomes_size(), 0);
    EXPECT_LT(request.ByteSizeLong(), size_t{5} << 20);
    outcomes += request.outcomes_size();
    ++messages;
  }
  EXPECT_GT(messages, 1);
}

TEST_F(StateSessionTest, SpreadsProgressOverMessagesAndSendsOutcomesAfterAllOfIt) {
  line_.Up();
  constexpr int kReports = 1000;
  v1::Progress progress;
  progress.set_message(std::string(16 << 10, 'x'));
  for (int attempt = 1; attempt <= kReports; ++attempt) {
    session_.ReportProgress({{lease_.key.job, attempt}, "lease"}, progress);
  }
  session_.Finish(Outcome());
  int reports = 0;
  while (reports < kReports) {
    const WorkRequest request = line_.Take();
    ASSERT_GT(request.progress_size(), 0);
    EXPECT_LT(request.ByteSizeLong(), size_t{5} << 20);
    reports += request.progress_size();
    EXPECT_EQ(request.outcomes_size(), reports == kReports ? 1 : 0);
  }
}

TEST_F(StateSessionTest, ForgetsRenewalsWithTheLine) {
  line_.Up();
  session_.Renew(lease_);
  session_.Renew(lease_);
  EXPECT_EQ(line_.Take().renewals_size(), 1);
  session_.Renew(lease_);
  line_.Down();
  session_.Renew(lease_);
  line_.Up();
  EXPECT_EQ(line_.Take().renewals_size(), 0);
}

TEST_F(StateSessionTest, KnowsWhenItHeardSomethingLast) {
  line_.Up();
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(session_.last_heard(), clock_.Monotonic() - absl::Seconds(5));
  line_.AnswerRenewal(std::string(lease_.key.job.bytes()), 1, true);
  EXPECT_EQ(session_.last_heard(), clock_.Monotonic());
}

}  // namespace
}  // namespace buzzer::worker
