// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/outcome.h"

#include <gtest/gtest.h>

#include "common/limits/limits.h"

namespace buzzer::worker {
namespace {

Attempt MakeAttempt() {
  internal::v1::Granted granted;
  granted.set_attempt(3);
  granted.set_lease_id("lease");
  granted.mutable_attempt_timeout()->set_seconds(5);
  return Attempt(JobId::Make(absl::UnixEpoch()), granted, absl::Seconds(1), absl::ZeroDuration(),
                 nullptr);
}

class OutcomeTest : public ::testing::Test {
 protected:
  std::optional<internal::v1::Outcome> Make(HandlerResult result, StopCause cause) {
    return MakeOutcome(attempt_, std::move(result), cause);
  }
  const Attempt attempt_ = MakeAttempt();
};

TEST_F(OutcomeTest, NamesTheAttemptAndItsLease) {
  const auto outcome = Make(Success{"text/plain", "done"}, StopCause::kNone);
  EXPECT_EQ(outcome->job_id(), attempt_.job().id.bytes());
  EXPECT_EQ(outcome->attempt(), 3);
  EXPECT_EQ(outcome->lease_id(), "lease");
  EXPECT_EQ(outcome->success().content_type(), "text/plain");
  EXPECT_EQ(outcome->success().result(), "done");
}

TEST_F(OutcomeTest, CountsASuccessWhateverWasAsked) {
  for (const StopCause cause : {StopCause::kCancelRequested, StopCause::kAttemptTimeout,
                                StopCause::kDraining, StopCause::kStateOutage}) {
    EXPECT_TRUE(Make(Success{}, cause)->has_success());
  }
}

TEST_F(OutcomeTest, SaysNothingOfALostLease) {
  EXPECT_FALSE(Make(Success{}, StopCause::kLeaseLost).has_value());
  EXPECT_FALSE(Make(Stopped{}, StopCause::kLeaseLost).has_value());
}

TEST_F(OutcomeTest, TellsWhyAHandlerStopped) {
  EXPECT_EQ(Make(Stopped{}, StopCause::kCancelRequested)->failure().reason(), "CANCELLED");
  const auto timeout = Make(Stopped{}, StopCause::kAttemptTimeout);
  EXPECT_EQ(timeout->failure().reason(), "ATTEMPT_TIMEOUT");
  EXPECT_TRUE(timeout->failure().retryable());
  EXPECT_TRUE(Make(Stopped{}, StopCause::kDraining)->has_handed_back());
  EXPECT_TRUE(Make(Stopped{}, StopCause::kStateOutage)->has_handed_back());
  EXPECT_EQ(Make(Stopped{}, StopCause::kNone)->failure().reason(), "HANDLER_FAILED");
}

TEST_F(OutcomeTest, TellsWhatAStoppedHandlerWroteWhereverAnErrorIsKept) {
  for (const StopCause cause :
       {StopCause::kCancelRequested, StopCause::kAttemptTimeout, StopCause::kNone}) {
    EXPECT_EQ(Make(Stopped{"at page 3"}, cause)->failure().detail(), "at page 3");
  }
  EXPECT_TRUE(Make(Stopped{"at page 3"}, StopCause::kDraining)->has_handed_back());
}

TEST_F(OutcomeTest, TellsHowLongTheNextAttemptShallWait) {
  Failure failure{"HTTP_503", "away", true, "", absl::Milliseconds(1500)};
  EXPECT_EQ(Make(failure, StopCause::kNone)->failure().retry_after().seconds(), 1);
  EXPECT_EQ(Make(failure, StopCause::kNone)->failure().retry_after().nanos(), 500'000'000);
  failure.retry_after = absl::Hours(1000);
  EXPECT_EQ(Make(failure, StopCause::kNone)->failure().retry_after().seconds(), 24 * 3600);
  failure.retry_after = absl::ZeroDuration();
  EXPECT_FALSE(Make(failure, StopCause::kNone)->failure().has_retry_after());
  failure.retry_after = -absl::Seconds(1);
  EXPECT_FALSE(Make(failure, StopCause::kNone)->failure().has_retry_after());
}

TEST_F(OutcomeTest, CountsAProgramThatDidNotStartApart) {
  EXPECT_STREQ(OutcomeName(Make(Failure{kProgramNotStarted, "", true, ""}, StopCause::kNone)),
               "not_started");
}

TEST_F(OutcomeTest, KeepsAHandlersOwnFailure) {
  const auto outcome = Make(Failure{"NO_INK", "buy some", true, "tail"}, StopCause::kDraining);
  EXPECT_EQ(outcome->failure().reason(), "NO_INK");
  EXPECT_EQ(outcome->failure().message(), "buy some");
  EXPECT_EQ(outcome->failure().detail(), "tail");
  EXPECT_EQ(outcome->failure().attempt(), 3);
  EXPECT_TRUE(outcome->failure().retryable());
}

TEST_F(OutcomeTest, TurnsAResultAboveTheLimitIntoAFinalFailure) {
  EXPECT_TRUE(
      Make(Success{"", std::string(kMaxResultBytes, 'x')}, StopCause::kNone)->has_success());
  const auto outcome = Make(Success{"", std::string(kMaxResultBytes + 1, 'x')}, StopCause::kNone);
  EXPECT_EQ(outcome->failure().reason(), "RESULT_TOO_LARGE");
  EXPECT_FALSE(outcome->failure().retryable());
}

TEST_F(OutcomeTest, CutsWhatIsTooLongAndMakesItValid) {
  const auto outcome =
      Make(Failure{"R", std::string(5000, 'm'), false, std::string(5000, 'd') + "\xFF"},
           StopCause::kNone);
  EXPECT_EQ(outcome->failure().message().size(), kMaxErrorMessageBytes);
  EXPECT_EQ(outcome->failure().detail().size(), kMaxErrorDetailBytes);
  EXPECT_EQ(outcome->failure().detail().substr(kMaxErrorDetailBytes - 3), "\xEF\xBF\xBD");
}

}  // namespace
}  // namespace buzzer::worker
