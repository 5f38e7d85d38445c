// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Progress, outcomes, cancel, retry and delete: steps 6 to 8 of a job's life.

#include "common/errors/errors.h"
#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

using testing::Await;

TEST_P(JobStoreConformance, KeepsTheResultOfASuccess) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Succeed(lease, "forty-two"));
  Reopen();
  const JobRecord done = store().MustGet(job.id);
  EXPECT_EQ(done.state, v1::Job::SUCCEEDED);
  EXPECT_EQ(done.result->size(), 9);
  EXPECT_EQ(done.result->content_type(), "text/plain");
  EXPECT_EQ(*done.purge_at, clock_.Now() + absl::Hours(24));
  const auto result = Await<StoredResult>(
      [&](const auto& answer) { store_->GetResult(BlockingStore::kTenant, job.id, answer); });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->body, "forty-two");
  EXPECT_EQ(result->content_type, "text/plain");
}

TEST_P(JobStoreConformance, TakesTheSameOutcomeTwice) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Succeed(lease));
  EXPECT_TRUE(store().Succeed(lease));
  Reopen();
  EXPECT_TRUE(store().Succeed(lease));
  EXPECT_EQ(store().MustGet(job.id).revision, 3);

  const JobRecord back = Queued();
  const LeaseRef held = store().MustClaim(back.id);
  ASSERT_TRUE(store().HandBack(held));
  EXPECT_TRUE(store().HandBack(held));
  EXPECT_EQ(store().MustGet(back.id).revision, 3);
}

TEST_P(JobStoreConformance, RefusesAnOutcomeOfAStaleLease) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  LeaseRef other = lease;
  other.lease_id = RandomBytes(16);
  EXPECT_FALSE(store().Succeed(other));
  other = lease;
  other.attempt = 2;
  EXPECT_FALSE(store().Fail(other, false));
  other = lease;
  other.lease_id.clear();
  EXPECT_FALSE(store().HandBack(other));
  EXPECT_FALSE(store().Succeed({JobId::Make(clock_.Now()), 1, lease.lease_id}));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::RUNNING);
}

TEST_P(JobStoreConformance, RefusesAnOutcomeOfAnEarlierAttempt) {
  const JobRecord job = Queued();
  const LeaseRef first = store().MustClaim(job.id);
  ASSERT_TRUE(store().HandBack(first));
  const LeaseRef second = store().MustClaim(job.id);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_FALSE(store().Succeed(first));
  EXPECT_TRUE(store().Succeed(second));
}

TEST_P(JobStoreConformance, HandsBackToTheOldPlaceAndDoesNotCount) {
  const JobRecord first = Queued();
  const JobRecord second = Queued();
  ASSERT_TRUE(store().HandBack(store().MustClaim(first.id)));
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{first.id, second.id}));
  const JobRecord back = store().MustGet(first.id);
  EXPECT_EQ(back.state, v1::Job::QUEUED);
  EXPECT_EQ(back.attempt, 1);
  EXPECT_EQ(back.failed_attempts, 0);
}

TEST_P(JobStoreConformance, PutsARetriedAttemptAtTheEndOfItsQueue) {
  const JobRecord first = Queued();
  const JobRecord second = Queued();
  ASSERT_TRUE(store().Fail(store().MustClaim(first.id), true));
  clock_.Advance(absl::Minutes(1));
  store().RunTimers();
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{second.id, first.id}));
}

TEST_P(JobStoreConformance, KeepsTheNewestProgress) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  store().Report(lease, 0.25, "page 1");
  store().Report(lease, 0.5);
  Reopen();
  const JobRecord running = store().MustGet(job.id);
  EXPECT_EQ(running.revision, 4);
  ASSERT_TRUE(running.progress.has_value());
  EXPECT_EQ(running.progress->fraction, 0.5);
  EXPECT_EQ(running.progress->revision, 4);
  const auto full = store().GetFull(job.id);
  EXPECT_EQ(Causes(full->history), (std::vector<std::string>{"SUBMITTED", "CLAIMED"}));
}

TEST_P(JobStoreConformance, DropsProgressOfAStaleLease) {
  const JobRecord job = Queued();
  const LeaseRef first = store().MustClaim(job.id);
  ASSERT_TRUE(store().HandBack(first));
  store().Report(first, 0.9);
  store().MustClaim(job.id);
  store().Report(first, 0.9);
  EXPECT_FALSE(store().MustGet(job.id).progress.has_value());
}

TEST_P(JobStoreConformance, HandsTheNewestProgressDataToTheNextAttempt) {
  const JobRecord job = Queued();
  const LeaseRef first = store().MustClaim(job.id);
  store().Report(first, 0.25, "page 12");
  store().Report(first, 0.5);  // Without data: the checkpoint stays.
  ASSERT_TRUE(store().HandBack(first));
  Reopen();
  const ClaimResult second = store().Claim(job.id);
  ASSERT_TRUE(second.granted.has_value());
  EXPECT_EQ(second.granted->checkpoint().string_value(), "page 12");
  // The new attempt has not reported yet, and shows no progress of the old one.
  EXPECT_FALSE(ToProto(store().MustGet(job.id)).has_progress());
  ASSERT_TRUE(store().HandBack({job.id, 2, second.granted->lease_id()}));
  EXPECT_EQ(store().Claim(job.id).granted->checkpoint().string_value(), "page 12");
}

TEST_P(JobStoreConformance, EndsFailedAfterTheLastAttempt) {
  auto job = NewJob();
  job.set_max_attempts(2);
  const JobRecord stored = store().MustSubmit(job);
  ASSERT_TRUE(store().Fail(store().MustClaim(stored.id), true));
  EXPECT_EQ(store().MustGet(stored.id).state, v1::Job::SCHEDULED);
  clock_.Advance(absl::Seconds(2));
  store().RunTimers();
  ASSERT_TRUE(store().Fail(store().MustClaim(stored.id), true));
  const JobRecord failed = store().MustGet(stored.id);
  EXPECT_EQ(failed.state, v1::Job::FAILED);
  EXPECT_EQ(failed.failed_attempts, 2);
  EXPECT_EQ(failed.error->attempt(), 2);
  const auto result = Await<StoredResult>(
      [&](const auto& answer) { store_->GetResult(BlockingStore::kTenant, stored.id, answer); });
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status()));
  EXPECT_EQ(ErrorReason(result.status()), "JOB_FAILED");
}

TEST_P(JobStoreConformance, RemembersThePolicyOfSubmitAndHandler) {
  auto job = NewJob();
  job.set_max_attempts(0);
  job.mutable_retry()->set_factor(1.5);
  job.mutable_retry()->add_final_reasons("NO_INK");
  const JobRecord stored = store().MustSubmit(job);
  EXPECT_EQ(ToProto(stored).max_attempts(), 10);
  EXPECT_EQ(ToProto(stored).retry().initial_delay().seconds(), 2);
  v1::RetryPolicy handlers;
  handlers.mutable_initial_delay()->set_seconds(40);
  handlers.set_factor(7);
  ClaimRequest claim;
  claim.job = stored.id;
  claim.claim_id = RandomBytes(16);
  claim.worker = "worker-1";
  claim.retry = std::make_shared<const v1::RetryPolicy>(handlers);
  claim.max_attempts = 2;
  const ClaimResult result = store().Claim(claim);
  ASSERT_TRUE(result.granted.has_value());
  Reopen();
  const v1::Job shown = ToProto(store().MustGet(stored.id));
  EXPECT_EQ(shown.max_attempts(), 2);
  EXPECT_EQ(shown.retry().initial_delay().seconds(), 40);
  EXPECT_EQ(shown.retry().factor(), 1.5);
  EXPECT_EQ(shown.retry().jitter(), 0.25);
  ASSERT_EQ(shown.retry().final_reasons_size(), 1);
  // A worker that dies says nothing more, and its handler's policy counts all the same.
  store().LoseLease({stored.id, 1, result.granted->lease_id()});
  EXPECT_EQ(store().MustGet(stored.id).run_at, clock_.Now() + absl::Seconds(40));
}

TEST_P(JobStoreConformance, CancelsAWaitingJobAtOnce) {
  const JobRecord job = Queued();
  EXPECT_EQ(store().Cancel(job.id)->state, v1::Job::CANCELLED);
  EXPECT_TRUE(store().Outbox().empty());
  EXPECT_EQ(store().Cancel(job.id)->revision, 2);
  const auto result = Await<StoredResult>(
      [&](const auto& answer) { store_->GetResult(BlockingStore::kTenant, job.id, answer); });
  EXPECT_EQ(ErrorReason(result.status()), "JOB_CANCELLED");
}

TEST_P(JobStoreConformance, CancelsARunningJobWhenItsHandlerHasStopped) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  EXPECT_EQ(store().Cancel(job.id)->state, v1::Job::CANCELLING);
  Reopen();
  const auto result = Await<StoredResult>(
      [&](const auto& answer) { store_->GetResult(BlockingStore::kTenant, job.id, answer); });
  EXPECT_TRUE(absl::IsNotFound(result.status()));
  EXPECT_EQ(ErrorReason(result.status()), "RESULT_NOT_READY");
  EXPECT_TRUE(ErrorRetryAfter(result.status()).has_value());
  EXPECT_TRUE(store().Fail(lease, true));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::CANCELLED);
}

TEST_P(JobStoreConformance, EndsAForcedCancelWithoutTheWorkerAndRefusesWhatItSaysLater) {
  const JobRecord running = Queued();
  const JobRecord stopping = Queued();
  const LeaseRef of_running = store().MustClaim(running.id);
  const LeaseRef of_stopping = store().MustClaim(stopping.id);
  ASSERT_EQ(store().Cancel(stopping.id)->state, v1::Job::CANCELLING);
  for (const auto& [job, lease] :
       {std::pair(running.id, of_running), std::pair(stopping.id, of_stopping)}) {
    const auto ended = store().Cancel(job, /*force=*/true);
    ASSERT_TRUE(ended.ok());
    EXPECT_EQ(ended->state, v1::Job::CANCELLED);
    EXPECT_EQ(ended->error->reason(), "FORCED");
    EXPECT_EQ(store().Cancel(job, /*force=*/true)->revision, ended->revision);
    EXPECT_FALSE(store().Succeed(lease));
    EXPECT_FALSE(store().Fail(lease, true));
    EXPECT_EQ(store().MustGet(job).revision, ended->revision);
    EXPECT_EQ(Causes(store().GetFull(job)->history).back(), "CANCEL_FORCED");
  }
  ASSERT_TRUE(store().Retry(running.id).ok());
  EXPECT_EQ(store().MustClaim(running.id).attempt, 2);
  ExpectConsistent();
}

TEST_P(JobStoreConformance, ForcesNothingOnAJobThatNoWorkerHas) {
  const JobRecord job = Queued();
  const auto ended = store().Cancel(job.id, /*force=*/true);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->state, v1::Job::CANCELLED);
  EXPECT_FALSE(ended->error.has_value());
  const JobRecord done = Queued();
  ASSERT_TRUE(store().Succeed(store().MustClaim(done.id)));
  EXPECT_EQ(ErrorReason(store().Cancel(done.id, /*force=*/true).status()), "JOB_FINISHED");
}

TEST_P(JobStoreConformance, CountsWorkThatEndedWellBeforeItCouldBeStopped) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  EXPECT_TRUE(store().Succeed(lease));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::SUCCEEDED);
  EXPECT_EQ(ErrorReason(store().Cancel(job.id).status()), "JOB_FINISHED");
}

TEST_P(JobStoreConformance, RetriesAFailedJobWithAFreshAllowance) {
  auto job = NewJob();
  job.set_max_attempts(1);
  const JobRecord stored = store().MustSubmit(job);
  const LeaseRef lease = store().MustClaim(stored.id);
  ASSERT_TRUE(store().Fail(lease, true));
  const auto retried = store().Retry(stored.id);
  ASSERT_TRUE(retried.ok());
  EXPECT_EQ(retried->state, v1::Job::QUEUED);
  EXPECT_EQ(retried->failed_attempts, 0);
  EXPECT_EQ(store().Retry(stored.id)->revision, retried->revision);
  EXPECT_EQ(store().Outbox(), std::vector<JobId>{stored.id});
  // The outcome that failed it counted; its worker may repeat it.
  EXPECT_TRUE(store().Fail(lease, true));
  EXPECT_EQ(store().MustClaim(stored.id).attempt, 2);
  const auto full = store().GetFull(stored.id);
  EXPECT_EQ(Causes(full->history), (std::vector<std::string>{"SUBMITTED", "CLAIMED", "FAILED",
                                                             "RETRY_REQUESTED", "CLAIMED"}));
  ASSERT_TRUE(full->history[2].error.has_value());
  EXPECT_EQ(full->history[2].error->reason(), "HANDLER_FAILED");
}

TEST_P(JobStoreConformance, RefusesToRetryWhatIsNotFailedOrCancelled) {
  const JobRecord job = Queued();
  EXPECT_EQ(ErrorReason(store().Retry(job.id).status()), "JOB_NOT_RETRYABLE");
  ASSERT_TRUE(store().Succeed(store().MustClaim(job.id)));
  EXPECT_TRUE(absl::IsFailedPrecondition(store().Retry(job.id).status()));
}

TEST_P(JobStoreConformance, KeepsTheNewestThousandChangesOfAJobThatNeverRuns) {
  const JobRecord job = Queued();
  for (int turn = 0; turn < 600; ++turn) {
    ASSERT_TRUE(store().Cancel(job.id).ok());
    ASSERT_TRUE(store().Retry(job.id).ok());
  }
  const auto full = store().GetFull(job.id);
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->history.size(), 1000);
  EXPECT_EQ(full->history.back().revision, 1201);
}

TEST_P(JobStoreConformance, DeletesOnlyWhatIsFinished) {
  const JobRecord job = Queued();
  EXPECT_EQ(ErrorReason(store().Delete(job.id)), "JOB_NOT_FINISHED");
  const LeaseRef lease = store().MustClaim(job.id);
  EXPECT_TRUE(absl::IsFailedPrecondition(store().Delete(job.id)));
  ASSERT_TRUE(store().Succeed(lease));
  EXPECT_TRUE(store().Delete(job.id).ok());
  EXPECT_TRUE(absl::IsNotFound(store().Get(job.id).status()));
  EXPECT_TRUE(absl::IsNotFound(store().Delete(job.id)));
  EXPECT_FALSE(store().Succeed(lease));
  EXPECT_EQ(log_.ChangesOf(job.id).back().kind, JobChange::Kind::kDeleted);
  EXPECT_TRUE(AllJobs().empty());
  ExpectConsistent();
}

TEST_P(JobStoreConformance, HidesJobsOfOtherTenants) {
  const JobRecord job = Queued();
  const auto of_other = [&](auto call) { return Await<JobRecord>(call).status(); };
  EXPECT_TRUE(
      absl::IsNotFound(of_other([&](const auto& done) { store_->Get("other", job.id, done); })));
  for (const bool force : {false, true}) {
    EXPECT_TRUE(absl::IsNotFound(
        of_other([&](const auto& done) { store_->Cancel("other", job.id, force, done); })));
  }
  EXPECT_TRUE(
      absl::IsNotFound(of_other([&](const auto& done) { store_->Retry("other", job.id, done); })));
  EXPECT_TRUE(absl::IsNotFound(
      Await<bool>([&](const auto& done) { store_->Delete("other", job.id, done); }).status()));
  EXPECT_TRUE(absl::IsNotFound(Await<StoredResult>([&](const auto& done) {
                                 store_->GetResult("other", job.id, done);
                               }).status()));
  EXPECT_TRUE(absl::IsNotFound(Await<WatchStart>([&](const auto& done) {
                                 store_->GetForWatch("other", job.id, 0, done);
                               }).status()));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::QUEUED);
}

TEST_P(JobStoreConformance, GivesAWatchTheJobAndItsNewerChanges) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  store().Report(lease, 0.5);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  const auto start = Await<WatchStart>(
      [&](const auto& done) { store_->GetForWatch(BlockingStore::kTenant, job.id, 1, done); });
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->job.revision, 4);
  EXPECT_EQ(Causes(start->changes), (std::vector<std::string>{"CLAIMED", "CANCEL_REQUESTED"}));
}

}  // namespace
}  // namespace buzzer::state
