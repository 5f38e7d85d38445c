// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/job_lifecycle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <set>

#include "common/errors/errors.h"

namespace buzzer::state {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'770'000'000);

v1::JobError Error(bool retryable = true) {
  v1::JobError error;
  error.set_reason("HANDLER_FAILED");
  error.set_retryable(retryable);
  return error;
}

// Takes nothing off a delay.
const JitterDraw kFullDelay = [] { return 0.0; };

// A job in each of its states.
class JobLifecycle : public ::testing::Test {
 protected:
  static JobRecord Queued(int max_attempts = 5) {
    internal::v1::NewJob spec;
    spec.set_tenant("default");
    spec.set_type("demo.echo");
    spec.set_max_attempts(max_attempts);
    return NewJobRecord(JobId::Make(kNow), spec, "demo.echo", kNow);
  }

  static ClaimRequest Claim(const JobRecord& job) {
    ClaimRequest claim;
    claim.job = job.id;
    claim.claim_id = RandomBytes(16);
    claim.worker = "worker-1";
    return claim;
  }

  static JobRecord Running(int max_attempts = 5) {
    JobRecord job = Queued(max_attempts);
    Run(job);
    return job;
  }

  static void Run(JobRecord& job) {
    ASSERT_EQ(AnswerClaim(job, Claim(job), false, kNow).answer, ClaimAnswer::kGranted);
  }

  // Fails the attempt, and brings the job to its next one.
  void FailAndRunAgain(JobRecord& job) {
    ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
    ASSERT_TRUE(BecomeDue(job, kNow).has_value());
    Run(job);
  }

  static JobRecord Cancelling() {
    JobRecord job = Running();
    EXPECT_TRUE(RequestCancel(job, kNow).ok());
    return job;
  }

  static LeaseRef LeaseOf(const JobRecord& job) { return {job.id, job.attempt, job.lease_id}; }

  // A job that runs, with what its submit and its handler say of retries.
  static JobRecord RunningBy(const v1::RetryPolicy& submitted, const v1::RetryPolicy& handlers,
                             int submitted_attempts = 0, int handlers_attempts = 0) {
    internal::v1::NewJob spec;
    spec.set_type("demo.echo");
    *spec.mutable_retry() = submitted;
    spec.set_max_attempts(submitted_attempts);
    JobRecord job = NewJobRecord(JobId::Make(kNow), spec, "demo.echo", kNow);
    ClaimRequest claim = Claim(job);
    claim.retry = std::make_shared<const v1::RetryPolicy>(handlers);
    claim.max_attempts = handlers_attempts;
    EXPECT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kGranted);
    return job;
  }
};

TEST_F(JobLifecycle, BeginsQueuedUnlessItIsForLater) {
  EXPECT_EQ(Queued().state, v1::Job::QUEUED);
  internal::v1::NewJob spec;
  spec.mutable_delay()->set_seconds(10);
  const JobRecord delayed = NewJobRecord(JobId::Make(kNow), spec, "demo.echo", kNow);
  EXPECT_EQ(delayed.state, v1::Job::SCHEDULED);
  EXPECT_EQ(delayed.run_at, kNow + absl::Seconds(10));
  EXPECT_EQ(WakeTime(delayed), kNow + absl::Seconds(10));
}

TEST_F(JobLifecycle, KeepsNoPayloadInTheRecord) {
  internal::v1::NewJob spec;
  spec.set_id("0123456789abcdef");
  spec.set_payload("large");
  const JobRecord job = NewJobRecord(JobId::Make(kNow), spec, "demo.echo", kNow);
  EXPECT_TRUE(job.spec->payload().empty());
  EXPECT_TRUE(job.spec->id().empty());
}

TEST_F(JobLifecycle, RaisesTheRevisionWithEveryStep) {
  JobRecord job = Queued();
  int64_t revision = job.revision;
  EXPECT_EQ(revision, 1);
  for (int i = 0; i < 3; ++i) {
    Run(job);
    EXPECT_GT(job.revision, revision);
    revision = job.revision;
    ASSERT_TRUE(HandBack(job, kNow).has_value());
    EXPECT_GT(job.revision, revision);
    revision = job.revision;
  }
}

TEST_F(JobLifecycle, RaisesTheAttemptNumberWithEveryGrantAndNothingElse) {
  JobRecord job = Queued();
  std::set<std::string> leases;
  for (int attempt = 1; attempt <= 4; ++attempt) {
    Run(job);
    EXPECT_EQ(job.attempt, attempt);
    EXPECT_TRUE(leases.insert(job.lease_id).second);
    ASSERT_TRUE(HandBack(job, kNow).has_value());
    EXPECT_EQ(job.attempt, attempt);
  }
  Run(job);
  FailAndRunAgain(job);
  EXPECT_EQ(job.attempt, 6);
  ASSERT_TRUE(Fail(job, Error(false), kFullDelay, kNow).has_value());
  ASSERT_TRUE(RequestRetry(job, kNow).ok());
  EXPECT_EQ(job.attempt, 6);
  Run(job);
  EXPECT_EQ(job.attempt, 7);
}

TEST_F(JobLifecycle, DoesNotCountAHandedBackAttempt) {
  JobRecord job = Running(/*max_attempts=*/1);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(HandBack(job, kNow).has_value());
    EXPECT_EQ(job.state, v1::Job::QUEUED);
    EXPECT_EQ(job.failed_attempts, 0);
    Run(job);
  }
}

TEST_F(JobLifecycle, RetriesAsOftenAsTheAllowanceSays) {
  JobRecord job = Running(/*max_attempts=*/3);
  FailAndRunAgain(job);
  FailAndRunAgain(job);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(job.state, v1::Job::FAILED);
  EXPECT_EQ(job.failed_attempts, 3);
  EXPECT_EQ(job.error->attempt(), 3);
  EXPECT_EQ(job.ended_at, kNow);
  EXPECT_EQ(job.purge_at, kNow + absl::Hours(24));
}

TEST_F(JobLifecycle, EndsAtAFinalErrorWhateverTheAllowance) {
  JobRecord job = Running();
  const auto step = Fail(job, Error(/*retryable=*/false), kFullDelay, kNow);
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->cause, Cause::kFailed);
  EXPECT_EQ(job.state, v1::Job::FAILED);
}

TEST_F(JobLifecycle, WaitsFromTwoSecondsDoublingToTenMinutes) {
  JobRecord job = Running(/*max_attempts=*/100);
  absl::Duration expected = absl::Seconds(2);
  for (int failures = 1; failures < 100; ++failures) {
    ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
    EXPECT_EQ(job.state, v1::Job::SCHEDULED);
    EXPECT_EQ(*job.run_at - kNow, expected) << "after failure " << failures;
    EXPECT_EQ(job.retry_delay, expected);
    EXPECT_EQ(WakeTime(job), job.run_at);
    expected = std::min(2 * expected, absl::Minutes(10));
    ASSERT_TRUE(BecomeDue(job, *job.run_at).has_value());
    Run(job);
  }
}

// A downstream that is away for ten minutes fails no job, whatever is drawn.
TEST_F(JobLifecycle, OutlivesTenMinutesOfADownstreamsOutageEvenAtTheLeastJitterByDefault) {
  const JitterDraw least_delay = [] { return std::nextafter(1.0, 0.0); };
  JobRecord job = Running(/*max_attempts=*/0);
  absl::Time now = kNow;
  int attempts = 1;
  for (; job.state != v1::Job::FAILED; ++attempts) {
    ASSERT_TRUE(Fail(job, Error(), least_delay, now).has_value());
    if (job.state == v1::Job::FAILED) break;
    now = *job.run_at;
    ASSERT_TRUE(BecomeDue(job, now).has_value());
    Run(job);
  }
  EXPECT_EQ(attempts, 10);
  EXPECT_GT(now - kNow, absl::Minutes(10));
}

TEST_F(JobLifecycle, SpreadsRetriesOverTheJittersShareOfTheDelay) {
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most = absl::ZeroDuration();
  for (int i = 0; i < 500; ++i) {
    JobRecord job = Running();
    ASSERT_TRUE(Fail(job, Error(), DrawJitter, kNow).has_value());
    least = std::min(least, *job.run_at - kNow);
    most = std::max(most, *job.run_at - kNow);
  }
  EXPECT_GE(least, absl::Milliseconds(1500));
  EXPECT_LT(least, absl::Milliseconds(1600));
  EXPECT_GT(most, absl::Milliseconds(1900));
  EXPECT_LE(most, absl::Seconds(2));
}

TEST_F(JobLifecycle, TakesTheSubmitsPolicyBeforeTheHandlersFieldByField) {
  v1::RetryPolicy submitted, handlers;
  submitted.mutable_initial_delay()->set_seconds(30);
  handlers.mutable_initial_delay()->set_seconds(7);
  handlers.set_factor(3);
  JobRecord job = RunningBy(submitted, handlers, 0, 4);
  EXPECT_EQ(job.max_attempts(), 4);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(30));
  ASSERT_TRUE(BecomeDue(job, kNow).has_value());
  // Another worker, another file: the newest attempt's handler counts.
  Run(job);
  EXPECT_EQ(job.max_attempts(), 10);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(60));
  EXPECT_EQ(RunningBy({}, {}, 2, 4).max_attempts(), 2);
}

TEST_F(JobLifecycle, AppliesTheHandlersPolicyToALostLeaseAsWell) {
  v1::RetryPolicy handlers;
  handlers.mutable_initial_delay()->set_seconds(300);
  JobRecord job = RunningBy({}, handlers);
  ASSERT_TRUE(LoseLease(job, LossCause::kLeaseExpired, kFullDelay, kNow).has_value());
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(300));
  handlers.add_final_reasons("LEASE_EXPIRED");
  job = RunningBy({}, handlers);
  const auto step = LoseLease(job, LossCause::kLeaseExpired, kFullDelay, kNow);
  EXPECT_EQ(job.state, v1::Job::FAILED);
  EXPECT_FALSE(step->error->retryable());
}

TEST_F(JobLifecycle, EndsAtAReasonThatThePolicyCallsFinal) {
  v1::RetryPolicy submitted;
  submitted.add_final_reasons("NO_INK");
  submitted.add_final_reasons("HANDLER_FAILED");
  JobRecord job = RunningBy(submitted, {});
  ASSERT_TRUE(Fail(job, Error(/*retryable=*/true), kFullDelay, kNow).has_value());
  EXPECT_EQ(job.state, v1::Job::FAILED);
  EXPECT_EQ(job.failed_attempts, 1);
  EXPECT_FALSE(job.error->retryable());
  v1::JobError other = Error();
  other.set_reason("HANDLER_FAILED_TWICE");
  job = RunningBy(submitted, {});
  ASSERT_TRUE(Fail(job, other, kFullDelay, kNow).has_value());
  EXPECT_EQ(job.state, v1::Job::SCHEDULED);
}

TEST_F(JobLifecycle, WaitsAsLongAsTheHandlerAsksIfThatIsLonger) {
  v1::JobError error = Error();
  error.mutable_retry_after()->set_seconds(30);
  JobRecord job = Running();
  ASSERT_TRUE(Fail(job, error, kFullDelay, kNow).has_value());
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(30));
  EXPECT_EQ(job.error->retry_after().seconds(), 30);
  // No policy cuts it, and none is shortened by it.
  v1::RetryPolicy submitted;
  submitted.mutable_initial_delay()->set_seconds(5);
  submitted.mutable_max_delay()->set_seconds(5);
  job = RunningBy(submitted, {});
  ASSERT_TRUE(Fail(job, error, kFullDelay, kNow).has_value());
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(30));
  error.mutable_retry_after()->set_seconds(1);
  job = RunningBy(submitted, {});
  ASSERT_TRUE(Fail(job, error, kFullDelay, kNow).has_value());
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(5));
}

TEST_F(JobLifecycle, GivesARetriedJobAFreshAllowance) {
  JobRecord job = Running(/*max_attempts=*/2);
  FailAndRunAgain(job);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  ASSERT_TRUE(RequestRetry(job, kNow).ok());
  Run(job);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(job.state, v1::Job::SCHEDULED);
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(2));
}

TEST_F(JobLifecycle, ShowsTheErrorUntilTheNextAttempt) {
  JobRecord job = Running();
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_TRUE(job.error.has_value());
  ASSERT_TRUE(BecomeDue(job, kNow).has_value());
  Run(job);
  EXPECT_FALSE(job.error.has_value());
}

TEST_F(JobLifecycle, RetriesALostLeaseOneGraceLaterAtTheEarliest) {
  JobRecord job = Running();
  job.grace = absl::Seconds(25);
  const auto step = LoseLease(job, LossCause::kLeaseExpired, kFullDelay, kNow);
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->cause, Cause::kLeaseExpired);
  EXPECT_EQ(job.state, v1::Job::SCHEDULED);
  EXPECT_EQ(job.run_at, kNow + absl::Seconds(25));
  EXPECT_EQ(job.failed_attempts, 1);
}

TEST_F(JobLifecycle, EndsFailedWhenTheLastAttemptIsLost) {
  JobRecord job = Running(/*max_attempts=*/1);
  ASSERT_TRUE(LoseLease(job, LossCause::kAttemptTimeout, kFullDelay, kNow).has_value());
  EXPECT_EQ(job.state, v1::Job::FAILED);
  EXPECT_EQ(job.error->reason(), "ATTEMPT_TIMEOUT");
}

TEST_F(JobLifecycle, CancelsAWaitingJobAtOnceAndARunningOneThroughCancelling) {
  JobRecord queued = Queued();
  ASSERT_TRUE(RequestCancel(queued, kNow).ok());
  EXPECT_EQ(queued.state, v1::Job::CANCELLED);

  JobRecord scheduled = Running();
  ASSERT_TRUE(Fail(scheduled, Error(), kFullDelay, kNow).has_value());
  ASSERT_TRUE(RequestCancel(scheduled, kNow).ok());
  EXPECT_EQ(scheduled.state, v1::Job::CANCELLED);
  EXPECT_FALSE(scheduled.error.has_value());

  JobRecord running = Running();
  const auto step = RequestCancel(running, kNow);
  ASSERT_TRUE(step.ok() && step->has_value());
  EXPECT_EQ((*step)->cause, Cause::kCancelRequested);
  EXPECT_EQ(running.state, v1::Job::CANCELLING);
}

TEST_F(JobLifecycle, CancelsIdempotently) {
  JobRecord cancelling = Cancelling();
  const int64_t revision = cancelling.revision;
  auto again = RequestCancel(cancelling, kNow);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_value());
  EXPECT_EQ(cancelling.revision, revision);
  ASSERT_TRUE(Fail(cancelling, Error(), kFullDelay, kNow).has_value());
  again = RequestCancel(cancelling, kNow);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_value());
}

TEST_F(JobLifecycle, RefusesToCancelWhatSucceededOrFailed) {
  JobRecord succeeded = Running();
  ASSERT_TRUE(Succeed(succeeded, {}, kNow).has_value());
  EXPECT_EQ(ErrorReason(RequestCancel(succeeded, kNow).status()), "JOB_FINISHED");
  JobRecord failed = Running();
  ASSERT_TRUE(Fail(failed, Error(false), kFullDelay, kNow).has_value());
  EXPECT_EQ(RequestCancel(failed, kNow).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(JobLifecycle, EndsACancellingJobByWhatItsHandlerDid) {
  JobRecord succeeded = Cancelling();
  ASSERT_TRUE(Succeed(succeeded, {}, kNow).has_value());
  EXPECT_EQ(succeeded.state, v1::Job::SUCCEEDED);

  JobRecord failed = Cancelling();
  ASSERT_TRUE(Fail(failed, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(failed.state, v1::Job::CANCELLED);
  EXPECT_EQ(failed.failed_attempts, 0);
  EXPECT_FALSE(failed.error.has_value());

  JobRecord back = Cancelling();
  ASSERT_TRUE(HandBack(back, kNow).has_value());
  EXPECT_EQ(back.state, v1::Job::CANCELLED);

  JobRecord lost = Cancelling();
  const auto step = LoseLease(lost, LossCause::kLeaseExpired, kFullDelay, kNow);
  EXPECT_EQ(step->cause, Cause::kWorkerLost);
  EXPECT_EQ(lost.state, v1::Job::CANCELLED);
  EXPECT_EQ(lost.error->reason(), "WORKER_LOST");
}

TEST_F(JobLifecycle, KeepsWhatAProgramWroteBeforeItWasStopped) {
  v1::JobError stopped;
  stopped.set_reason("CANCELLED");
  stopped.set_retryable(true);
  stopped.set_detail("at page 3\n");
  JobRecord cancelled = Cancelling();
  const auto step = Fail(cancelled, stopped, kFullDelay, kNow);
  EXPECT_EQ(step->cause, Cause::kCancelled);
  EXPECT_EQ(step->error->detail(), "at page 3\n");
  EXPECT_EQ(cancelled.state, v1::Job::CANCELLED);
  EXPECT_EQ(cancelled.error->detail(), "at page 3\n");
  EXPECT_EQ(cancelled.error->attempt(), 1);
  EXPECT_FALSE(cancelled.error->retryable());

  JobRecord overdue = Running();
  ASSERT_TRUE(PassDeadline(overdue, kNow).has_value());
  ASSERT_TRUE(Fail(overdue, stopped, kFullDelay, kNow).has_value());
  EXPECT_EQ(overdue.state, v1::Job::FAILED);
  EXPECT_EQ(overdue.error->reason(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(overdue.error->detail(), "at page 3\n");
}

TEST_F(JobLifecycle, EndsAWaitingJobFailedAtItsDeadline) {
  JobRecord job = Queued();
  const auto step = PassDeadline(job, kNow);
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->cause, Cause::kDeadlineExceeded);
  EXPECT_TRUE(step->error.has_value());
  EXPECT_EQ(job.state, v1::Job::FAILED);
  EXPECT_EQ(job.error->reason(), "DEADLINE_EXCEEDED");

  JobRecord scheduled = Running();
  ASSERT_TRUE(Fail(scheduled, Error(), kFullDelay, kNow).has_value());
  ASSERT_TRUE(PassDeadline(scheduled, kNow).has_value());
  EXPECT_EQ(scheduled.state, v1::Job::FAILED);
  EXPECT_EQ(scheduled.error->reason(), "DEADLINE_EXCEEDED");
}

TEST_F(JobLifecycle, StopsARunningJobAtItsDeadlineThroughTheCancelPath) {
  JobRecord stopped = Running();
  ASSERT_TRUE(PassDeadline(stopped, kNow).has_value());
  EXPECT_EQ(stopped.state, v1::Job::CANCELLING);
  ASSERT_TRUE(Fail(stopped, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(stopped.state, v1::Job::FAILED);
  EXPECT_EQ(stopped.error->reason(), "DEADLINE_EXCEEDED");

  JobRecord succeeded = Running();
  ASSERT_TRUE(PassDeadline(succeeded, kNow).has_value());
  ASSERT_TRUE(Succeed(succeeded, {}, kNow).has_value());
  EXPECT_EQ(succeeded.state, v1::Job::SUCCEEDED);

  JobRecord lost = Running();
  ASSERT_TRUE(PassDeadline(lost, kNow).has_value());
  ASSERT_TRUE(LoseLease(lost, LossCause::kLeaseExpired, kFullDelay, kNow).has_value());
  EXPECT_EQ(lost.state, v1::Job::FAILED);
  EXPECT_EQ(lost.error->reason(), "DEADLINE_EXCEEDED");
}

TEST_F(JobLifecycle, KeepsTheFirstReasonToStop) {
  JobRecord cancelled = Cancelling();
  EXPECT_FALSE(PassDeadline(cancelled, kNow).has_value());
  ASSERT_TRUE(Fail(cancelled, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(cancelled.state, v1::Job::CANCELLED);

  JobRecord overdue = Running();
  ASSERT_TRUE(PassDeadline(overdue, kNow).has_value());
  EXPECT_FALSE(RequestCancel(overdue, kNow)->has_value());
  ASSERT_TRUE(Fail(overdue, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(overdue.state, v1::Job::FAILED);
}

TEST_F(JobLifecycle, EndsAForcedJobAsCancelledWhateverItWasToStopFor) {
  JobRecord overdue = Running();
  ASSERT_TRUE(PassDeadline(overdue, kNow).has_value());
  const LeaseRef lease = LeaseOf(overdue);
  const auto step = ForceCancel(overdue, kNow);
  ASSERT_TRUE(step.ok() && step->has_value());
  EXPECT_EQ((*step)->cause, Cause::kCancelForced);
  EXPECT_EQ(overdue.state, v1::Job::CANCELLED);
  EXPECT_EQ(overdue.error->reason(), "FORCED");
  EXPECT_FALSE(HoldsLease(overdue, lease));
  EXPECT_FALSE(HasFinished(overdue, lease));
  EXPECT_FALSE((*ForceCancel(overdue, kNow)).has_value());
}

TEST_F(JobLifecycle, IgnoresTheDeadlineOfAFinishedJob) {
  JobRecord job = Running();
  ASSERT_TRUE(Succeed(job, {}, kNow).has_value());
  const int64_t revision = job.revision;
  EXPECT_FALSE(PassDeadline(job, kNow).has_value());
  EXPECT_EQ(job.revision, revision);
}

TEST_F(JobLifecycle, GivesTheSameClaimTheSameAnswer) {
  JobRecord job = Queued();
  const ClaimRequest claim = Claim(job);
  ASSERT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kGranted);
  const JobRecord granted = job;
  const ClaimDecision again = AnswerClaim(job, claim, false, kNow);
  EXPECT_EQ(again.answer, ClaimAnswer::kGranted);
  EXPECT_TRUE(again.repeated);
  EXPECT_FALSE(again.step.has_value());
  EXPECT_EQ(job.lease_id, granted.lease_id);
  EXPECT_EQ(job.attempt, 1);
  // Also while it is asked to stop.
  ASSERT_TRUE(RequestCancel(job, kNow).ok());
  EXPECT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kGranted);
  // And not any more once it is over.
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kNone);
}

TEST_F(JobLifecycle, AnswersOtherClaimsOfARunningJobWithGone) {
  JobRecord job = Running();
  EXPECT_EQ(AnswerClaim(job, Claim(job), false, kNow).answer, ClaimAnswer::kNone);
  ClaimRequest nameless = Claim(job);
  nameless.claim_id.clear();
  EXPECT_EQ(AnswerClaim(job, nameless, false, kNow).answer, ClaimAnswer::kNone);
}

TEST_F(JobLifecycle, ReturnsAJobUnchangedButForTheClaim) {
  JobRecord job = Queued();
  ClaimRequest claim = Claim(job);
  claim.intent = ClaimRequest::Intent::kReturnNoHandler;
  EXPECT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kReturnedNoHandler);
  EXPECT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kReturnedNoHandler);
  EXPECT_EQ(job.state, v1::Job::QUEUED);
  EXPECT_EQ(job.revision, 1);
  EXPECT_EQ(job.attempt, 0);
  EXPECT_EQ(AnswerClaim(job, Claim(job), /*queue_paused=*/true, kNow).answer,
            ClaimAnswer::kReturnedPaused);
  Run(job);
}

TEST_F(JobLifecycle, TakesTheAttemptTimeoutOfTheJobBeforeThatOfTheHandler) {
  JobRecord job = Queued();
  ClaimRequest claim = Claim(job);
  claim.attempt_timeout = absl::Seconds(7);
  ASSERT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kGranted);
  EXPECT_EQ(job.attempt_timeout, absl::Seconds(7));

  internal::v1::NewJob spec;
  spec.mutable_attempt_timeout()->set_seconds(3);
  job = NewJobRecord(JobId::Make(kNow), spec, "demo.echo", kNow);
  claim.claim_id = RandomBytes(16);
  ASSERT_EQ(AnswerClaim(job, claim, false, kNow).answer, ClaimAnswer::kGranted);
  EXPECT_EQ(job.attempt_timeout, absl::Seconds(3));
}

TEST_F(JobLifecycle, KnowsWhoseLeaseIsCurrentAndWhoFinished) {
  JobRecord job = Running();
  const LeaseRef lease = LeaseOf(job);
  EXPECT_TRUE(HoldsLease(job, lease));
  EXPECT_FALSE(HasFinished(job, lease));
  LeaseRef wrong = lease;
  wrong.attempt = 2;
  EXPECT_FALSE(HoldsLease(job, wrong));
  wrong = lease;
  wrong.lease_id = RandomBytes(16);
  EXPECT_FALSE(HoldsLease(job, wrong));

  JobRecord ended = job;
  ASSERT_TRUE(Succeed(ended, {}, kNow).has_value());
  EXPECT_FALSE(HoldsLease(ended, lease));
  EXPECT_TRUE(HasFinished(ended, lease));

  JobRecord retrying = job;
  ASSERT_TRUE(Fail(retrying, Error(), kFullDelay, kNow).has_value());
  EXPECT_TRUE(HasFinished(retrying, lease));

  // Whoever lost it did not finish, and is refused.
  JobRecord lost = job;
  ASSERT_TRUE(LoseLease(lost, LossCause::kLeaseExpired, kFullDelay, kNow).has_value());
  EXPECT_FALSE(HoldsLease(lost, lease));
  EXPECT_FALSE(HasFinished(lost, lease));
  LeaseRef empty = lease;
  empty.lease_id.clear();
  EXPECT_FALSE(HasFinished(lost, empty));
}

TEST_F(JobLifecycle, RetriesIdempotentlyUntilTheJobEndsAgain) {
  JobRecord job = Running(/*max_attempts=*/1);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  auto step = RequestRetry(job, kNow);
  ASSERT_TRUE(step.ok() && step->has_value());
  EXPECT_EQ(job.state, v1::Job::QUEUED);
  EXPECT_EQ(job.failed_attempts, 0);
  EXPECT_FALSE(job.error.has_value());
  EXPECT_FALSE(job.ended_at.has_value());
  EXPECT_FALSE(job.purge_at.has_value());
  step = RequestRetry(job, kNow);
  EXPECT_TRUE(step.ok() && !step->has_value());
  Run(job);
  step = RequestRetry(job, kNow);
  EXPECT_TRUE(step.ok() && !step->has_value());
  ASSERT_TRUE(Succeed(job, {}, kNow).has_value());
  EXPECT_EQ(ErrorReason(RequestRetry(job, kNow).status()), "JOB_NOT_RETRYABLE");
}

TEST_F(JobLifecycle, RetriesACancelledJobAsIfNobodyHadCancelledIt) {
  JobRecord job = Cancelling();
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  ASSERT_TRUE(RequestRetry(job, kNow).ok());
  Run(job);
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  EXPECT_EQ(job.state, v1::Job::SCHEDULED);
}

TEST_F(JobLifecycle, CountsTheDeadlineOfARetriedJobAnew) {
  internal::v1::NewJob spec;
  spec.mutable_deadline()->set_seconds(60);
  JobRecord job = NewJobRecord(JobId::Make(kNow), spec, "demo.echo", kNow);
  EXPECT_EQ(WakeTime(job), kNow + absl::Seconds(60));
  ASSERT_TRUE(PassDeadline(job, kNow + absl::Seconds(60)).has_value());
  const absl::Time later = kNow + absl::Hours(1);
  ASSERT_TRUE(RequestRetry(job, later).ok());
  EXPECT_EQ(job.deadline_at, later + absl::Seconds(60));
  EXPECT_EQ(WakeTime(job), later + absl::Seconds(60));
}

TEST_F(JobLifecycle, LooksAtTheWallClockForTheNextOfItsTimes) {
  JobRecord job = Cancelling();
  job.deadline_at = kNow;
  EXPECT_FALSE(WakeTime(job).has_value());
  job = Running();
  ASSERT_TRUE(Fail(job, Error(), kFullDelay, kNow).has_value());
  job.deadline_at = kNow + absl::Milliseconds(1);
  EXPECT_EQ(WakeTime(job), job.deadline_at);
  job.deadline_at = kNow + absl::Hours(1);
  EXPECT_EQ(WakeTime(job), job.run_at);
}

}  // namespace
}  // namespace buzzer::state
