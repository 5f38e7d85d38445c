// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Claims and leases: steps 4 and 5 of a job's life.

#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

using testing::Await;

ClaimRequest MakeClaim(const JobId& job, ClaimRequest::Intent intent = ClaimRequest::Intent::kRun) {
  ClaimRequest claim;
  claim.job = job;
  claim.claim_id = RandomBytes(16);
  claim.worker = "worker-1";
  claim.intent = intent;
  return claim;
}

TEST_P(JobStoreConformance, GrantsAClaimWithAllThatTheWorkerNeeds) {
  auto job = NewJob();
  (*job.mutable_labels())["team"] = "red";
  job.mutable_lease()->set_seconds(20);
  job.mutable_deadline()->set_seconds(3600);
  const JobRecord stored = store().MustSubmit(job);
  ClaimRequest claim = MakeClaim(stored.id);
  claim.grace = absl::Seconds(3);
  claim.attempt_timeout = absl::Minutes(2);
  const ClaimResult result = store().Claim(claim);
  ASSERT_EQ(result.answer, ClaimAnswer::kGranted);
  const internal::v1::Granted& granted = *result.granted;
  EXPECT_EQ(granted.attempt(), 1);
  EXPECT_EQ(granted.lease_id().size(), 16u);
  EXPECT_EQ(granted.lease().seconds(), 20);
  EXPECT_EQ(granted.payload(), R"({"n":1})");
  EXPECT_EQ(granted.payload_content_type(), "application/json");
  EXPECT_EQ(granted.type(), "demo.echo");
  EXPECT_EQ(granted.queue(), "demo.echo");
  EXPECT_EQ(granted.tenant(), "default");
  EXPECT_EQ(granted.labels().at("team"), "red");
  EXPECT_EQ(granted.attempt_timeout().seconds(), 120);
  EXPECT_EQ(FromTimestamp(granted.deadline_time()), clock_.Now() + absl::Hours(1));
  EXPECT_FALSE(granted.has_checkpoint());
  EXPECT_FALSE(granted.last_attempt());
  const JobRecord running = store().MustGet(stored.id);
  EXPECT_EQ(running.state, v1::Job::RUNNING);
  EXPECT_EQ(running.worker, "worker-1");
  EXPECT_EQ(running.grace, absl::Seconds(3));
  EXPECT_TRUE(store().Outbox().empty());
}

TEST_P(JobStoreConformance, GrantsAJobToOneOfTwoClaims) {
  const JobRecord job = Queued();
  const auto results = Await<std::vector<ClaimResult>>([&](const auto& done) {
    store_->Claim({MakeClaim(job.id), MakeClaim(job.id)}, done);
  });
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].answer, ClaimAnswer::kGranted);
  EXPECT_EQ((*results)[1].answer, ClaimAnswer::kNone);
  EXPECT_EQ(store().Claim(job.id).answer, ClaimAnswer::kNone);
}

TEST_P(JobStoreConformance, GivesTheSameClaimTheSameAnswerAgain) {
  const JobRecord job = Queued();
  const ClaimRequest claim = MakeClaim(job.id);
  const ClaimResult first = store().Claim(claim);
  const ClaimResult again = store().Claim(claim);
  ASSERT_EQ(again.answer, ClaimAnswer::kGranted);
  EXPECT_EQ(again.granted->attempt(), first.granted->attempt());
  EXPECT_EQ(again.granted->lease_id(), first.granted->lease_id());
  Reopen();
  EXPECT_EQ(store().Claim(claim).granted->lease_id(), first.granted->lease_id());
  EXPECT_EQ(store().MustGet(job.id).attempt, 1);
}

TEST_P(JobStoreConformance, AnswersAClaimOfAJobThatIsNotReadyWithGone) {
  EXPECT_EQ(store().Claim(JobId::Make(clock_.Now())).answer, ClaimAnswer::kNone);

  const JobRecord cancelled = Queued();
  ASSERT_TRUE(store().Cancel(cancelled.id).ok());
  EXPECT_EQ(store().Claim(cancelled.id).answer, ClaimAnswer::kNone);

  const JobRecord retrying = Queued();
  ASSERT_TRUE(store().Fail(store().MustClaim(retrying.id), /*retryable=*/true));
  EXPECT_EQ(store().Claim(retrying.id).answer, ClaimAnswer::kNone);
}

TEST_P(JobStoreConformance, ReturnsJobsOfAPausedQueueToTheirOldPlace) {
  const JobRecord first = Queued();
  const JobRecord second = Queued();
  store().SetPaused("demo.echo", true);
  EXPECT_EQ(store().Claim(first.id).answer, ClaimAnswer::kReturnedPaused);
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{first.id, second.id}));
  EXPECT_EQ(store().MustGet(first.id).state, v1::Job::QUEUED);
  EXPECT_EQ(store().MustGet(first.id).revision, 1);
  store().SetPaused("demo.echo", false);
  EXPECT_EQ(store().Claim(first.id).answer, ClaimAnswer::kGranted);
}

TEST_P(JobStoreConformance, RemembersPausedQueues) {
  const JobRecord job = Queued();
  store().SetPaused("demo.echo", true);
  store().SetPaused("demo.echo", true);
  store().SetPaused("photos", true);
  store().SetPaused("photos", false);
  Reopen();
  EXPECT_EQ(store().Claim(job.id).answer, ClaimAnswer::kReturnedPaused);
  const auto paused =
      Await<std::vector<std::string>>([&](const auto& done) { store_->ReadPausedQueues(done); });
  EXPECT_EQ(*paused, std::vector<std::string>{"demo.echo"});
}

TEST_P(JobStoreConformance, ReturnsAJobThatTheWorkerCannotTake) {
  const JobRecord job = Queued();
  EXPECT_EQ(store().Claim(MakeClaim(job.id, ClaimRequest::Intent::kReturnDraining)).answer,
            ClaimAnswer::kReturnedDraining);
  const ClaimRequest claim = MakeClaim(job.id, ClaimRequest::Intent::kReturnNoHandler);
  EXPECT_EQ(store().Claim(claim).answer, ClaimAnswer::kReturnedNoHandler);
  EXPECT_EQ(store().Claim(claim).answer, ClaimAnswer::kReturnedNoHandler);
  EXPECT_EQ(store().Outbox(), std::vector<JobId>{job.id});
  int returned = 0;
  for (const JobChange& change : log_.ChangesOf(job.id)) {
    if (change.kind == JobChange::Kind::kReturned) ++returned;
  }
  EXPECT_EQ(returned, 2);
  EXPECT_EQ(store().Claim(job.id).answer, ClaimAnswer::kGranted);
}

TEST_P(JobStoreConformance, SaysWhichAttemptIsTheLast) {
  auto job = NewJob();
  job.set_max_attempts(2);
  const JobRecord stored = store().MustSubmit(job);
  ASSERT_TRUE(store().Fail(store().MustClaim(stored.id), true));
  clock_.Advance(absl::Minutes(1));
  store().RunTimers();
  EXPECT_TRUE(store().Claim(stored.id).granted->last_attempt());
}

TEST_P(JobStoreConformance, RetriesALostLeaseNotBeforeOneGrace) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  store().LoseLease(lease);
  const JobRecord lost = store().MustGet(job.id);
  EXPECT_EQ(lost.state, v1::Job::SCHEDULED);
  EXPECT_EQ(lost.error->reason(), "LEASE_EXPIRED");
  EXPECT_EQ(*lost.run_at, clock_.Now() + absl::Seconds(10));
  EXPECT_FALSE(store().Succeed(lease));
  clock_.Advance(absl::Seconds(10));
  store().RunTimers();
  EXPECT_EQ(store().MustClaim(job.id).attempt, 2);
  // The first worker wakes: it is refused still.
  EXPECT_FALSE(store().Succeed(lease));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::RUNNING);
}

TEST_P(JobStoreConformance, LeavesAnAttemptThatEndedMeanwhile) {
  const JobRecord job = Queued();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Succeed(lease));
  store().LoseLease(lease);
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::SUCCEEDED);
}

TEST_P(JobStoreConformance, ListsWhatIsActiveForAStart) {
  Queued();
  const JobRecord running = Queued();
  const LeaseRef lease = store().MustClaim(running.id);
  const JobRecord cancelling = Queued();
  store().MustClaim(cancelling.id);
  ASSERT_TRUE(store().Cancel(cancelling.id).ok());
  const JobRecord done = Queued();
  ASSERT_TRUE(store().Succeed(store().MustClaim(done.id)));
  Reopen();
  const auto active =
      Await<std::vector<JobRecord>>([&](const auto& answer) { store_->ReadActive(answer); });
  ASSERT_TRUE(active.ok());
  std::map<JobId, JobRecord> by_id;
  for (const JobRecord& job : *active) by_id[job.id] = job;
  ASSERT_EQ(by_id.size(), 2u);
  EXPECT_EQ(by_id[running.id].lease_id, lease.lease_id);
  EXPECT_EQ(by_id[cancelling.id].state, v1::Job::CANCELLING);
}

// Clocks are stepped back; places must not come twice for all that.
TEST_P(JobStoreConformance, HandsAJobBackToAPlaceOfItsOwnWhateverTheClockSays) {
  const JobRecord running = Queued();
  const LeaseRef lease = store().MustClaim(running.id);
  Reopen();
  clock_.StepWall(-absl::Microseconds(1));
  const JobRecord later = Queued();
  const JobRecord last = Queued();
  EXPECT_TRUE(store().HandBack(lease));
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{running.id, later.id, last.id}));
  ExpectConsistent();
}

}  // namespace
}  // namespace buzzer::state
