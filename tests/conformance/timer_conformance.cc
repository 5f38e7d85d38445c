// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What the wall clock asks for: run_at, deadline, retention; and what is remembered of types.

#include "common/limits/limits.h"
#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

using testing::Await;

TEST_P(JobStoreConformance, QueuesADelayedJobWhenItIsDue) {
  auto job = NewJob();
  job.mutable_delay()->set_seconds(60);
  const JobRecord stored = store().MustSubmit(job);
  auto result = store().RunTimers();
  EXPECT_EQ(result.changed, 0);
  EXPECT_EQ(result.next, stored.run_at);

  clock_.Advance(absl::Seconds(60));
  result = store().RunTimers();
  EXPECT_EQ(result.changed, 1);
  EXPECT_FALSE(result.next.has_value());
  EXPECT_EQ(store().MustGet(stored.id).state, v1::Job::QUEUED);
  EXPECT_EQ(store().Outbox(), std::vector<JobId>{stored.id});
}

TEST_P(JobStoreConformance, QueuesAJobAtOnceWhoseTimeIsPast) {
  auto job = NewJob();
  *job.mutable_run_at() = ToTimestamp(clock_.Now() - absl::Hours(1));
  EXPECT_EQ(store().MustSubmit(job).state, v1::Job::QUEUED);
}

TEST_P(JobStoreConformance, EndsWaitingJobsAtTheirDeadline) {
  auto job = NewJob();
  job.mutable_deadline()->set_seconds(60);
  const JobRecord queued = store().MustSubmit(job);
  job = NewJob();
  job.mutable_deadline()->set_seconds(60);
  job.mutable_delay()->set_seconds(3600);
  const JobRecord scheduled = store().MustSubmit(job);
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(store().RunTimers().changed, 2);
  for (const JobId& id : {queued.id, scheduled.id}) {
    const JobRecord ended = store().MustGet(id);
    EXPECT_EQ(ended.state, v1::Job::FAILED);
    EXPECT_EQ(ended.error->reason(), "DEADLINE_EXCEEDED");
  }
  EXPECT_TRUE(store().Outbox().empty());
}

TEST_P(JobStoreConformance, StopsARunningJobAtItsDeadline) {
  auto job = NewJob();
  job.mutable_deadline()->set_seconds(60);
  const JobRecord stored = store().MustSubmit(job);
  const LeaseRef lease = store().MustClaim(stored.id);
  clock_.Advance(absl::Seconds(60));
  store().RunTimers();
  EXPECT_EQ(store().MustGet(stored.id).state, v1::Job::CANCELLING);
  EXPECT_EQ(store().RunTimers().changed, 0);
  Reopen();
  ASSERT_TRUE(store().Fail(lease, true));
  const JobRecord ended = store().MustGet(stored.id);
  EXPECT_EQ(ended.state, v1::Job::FAILED);
  EXPECT_EQ(ended.error->reason(), "DEADLINE_EXCEEDED");
}

TEST_P(JobStoreConformance, DeletesAJobAtTheEndOfItsRetention) {
  auto job = NewJob();
  job.mutable_retention()->set_seconds(3600);
  const JobRecord stored = store().MustSubmit(job);
  ASSERT_TRUE(store().Succeed(store().MustClaim(stored.id)));
  clock_.Advance(absl::Minutes(59));
  EXPECT_EQ(store().RunTimers().changed, 0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(store().RunTimers().changed, 1);
  EXPECT_TRUE(absl::IsNotFound(store().Get(stored.id).status()));
  EXPECT_EQ(log_.ChangesOf(stored.id).back().kind, JobChange::Kind::kDeleted);
  EXPECT_EQ(store().Count(v1::Job::SUCCEEDED), 0);
}

TEST_P(JobStoreConformance, KeepsARetriedJobWhateverItsRetentionWas) {
  auto job = NewJob();
  job.set_max_attempts(1);
  const JobRecord stored = store().MustSubmit(job);
  ASSERT_TRUE(store().Fail(store().MustClaim(stored.id), true));
  clock_.Advance(absl::Hours(23));
  ASSERT_TRUE(store().Retry(stored.id).ok());
  clock_.Advance(absl::Hours(48));
  EXPECT_EQ(store().RunTimers().changed, 0);
  EXPECT_EQ(store().MustGet(stored.id).state, v1::Job::QUEUED);
}

TEST_P(JobStoreConformance, DoesNoMoreThanItIsAskedForAtATime) {
  for (int i = 0; i < 25; ++i) {
    auto job = NewJob();
    job.mutable_delay()->set_seconds(1);
    store().MustSubmit(job);
  }
  clock_.Advance(absl::Seconds(1));
  const auto first = store().RunTimers(10);
  EXPECT_EQ(first.changed, 10);
  EXPECT_LE(*first.next, clock_.Now());
  EXPECT_EQ(store().RunTimers(10).changed, 10);
  EXPECT_EQ(store().RunTimers(10).changed, 5);
  EXPECT_EQ(store().Count(v1::Job::QUEUED), 25);
}

TEST_P(JobStoreConformance, ForgetsATypeThirtyDaysAfterItsLastWorker) {
  const auto types = [&] {
    return *Await<std::vector<TypeRecord>>([&](const auto& done) { store_->ReadTypes(done); });
  };
  const std::vector<TypeRecord> saved = {{"demo.echo", "demo.echo", clock_.Now()},
                                         {"demo.echo", "mail", clock_.Now()}};
  ASSERT_TRUE(Await<bool>([&](const auto& done) { store_->SaveTypes(saved, done); }).ok());
  Reopen();
  EXPECT_EQ(types().size(), 2u);
  clock_.Advance(absl::Hours(24 * 29));
  const std::vector<TypeRecord> again = {{"demo.echo", "mail", clock_.Now()}};
  ASSERT_TRUE(Await<bool>([&](const auto& done) { store_->SaveTypes(again, done); }).ok());
  store().RunTimers();
  EXPECT_EQ(types().size(), 2u);
  clock_.Advance(absl::Hours(24 * 2));
  store().RunTimers();
  ASSERT_EQ(types().size(), 1u);
  EXPECT_EQ(types()[0].queue, "mail");
  EXPECT_EQ(types()[0].last_seen, again[0].last_seen);
}

TEST_P(JobStoreConformance, MovesTheTimeOfARetryWithASteppedClockButNoTimeThatACallerNamed) {
  auto job = NewJob();
  job.mutable_deadline()->set_seconds(7200);
  const JobRecord retrying = store().MustSubmit(job);
  ASSERT_TRUE(store().Fail(store().MustClaim(retrying.id), true));
  auto delayed = NewJob();
  delayed.mutable_delay()->set_seconds(60);
  const JobRecord waiting = store().MustSubmit(delayed);
  const absl::Time due = *store().MustGet(retrying.id).run_at;

  store().ShiftRetries(-absl::Hours(1));
  EXPECT_EQ(store().MustGet(retrying.id).run_at, due - absl::Hours(1));
  EXPECT_EQ(store().MustGet(waiting.id).run_at, waiting.run_at);
  EXPECT_EQ(store().RunTimers().changed, 1);
  EXPECT_EQ(store().MustGet(retrying.id).state, v1::Job::QUEUED);
}

TEST_P(JobStoreConformance, LetsARetryWaitNoLongerThatWasMadeBetweenTheStepAndItsNotice) {
  const JobRecord job = Queued();
  clock_.StepWall(absl::Hours(72));
  ASSERT_TRUE(store().Fail(store().MustClaim(job.id), true));
  store().ShiftRetries(absl::Hours(72));
  EXPECT_LE(*store().MustGet(job.id).run_at, clock_.Now() + kDefaultInitialRetryDelay);
}

TEST_P(JobStoreConformance, KeepsTheDeadlineOfAJobWhoseRetryMoves) {
  auto job = NewJob();
  job.mutable_deadline()->set_seconds(600);
  const JobRecord retrying = store().MustSubmit(job);
  ASSERT_TRUE(store().Fail(store().MustClaim(retrying.id), true));
  store().ShiftRetries(absl::Hours(1));
  clock_.Advance(absl::Seconds(600));
  EXPECT_EQ(store().RunTimers().changed, 1);
  EXPECT_EQ(store().MustGet(retrying.id).state, v1::Job::FAILED);
}

TEST_P(JobStoreConformance, LetsNoRetryWaitLongerThanItMayAfterTheClockWasStepped) {
  const JobRecord job = Queued();
  ASSERT_TRUE(store().Fail(store().MustClaim(job.id), true));
  auto delayed = NewJob();
  delayed.mutable_delay()->set_seconds(60);
  const JobRecord waiting = store().MustSubmit(delayed);
  clock_.StepWall(-absl::Hours(5));
  Reopen();
  // As long as it was to wait from the failure on.
  const absl::Duration longest = kDefaultInitialRetryDelay;
  EXPECT_EQ(store().MustGet(job.id).run_at, clock_.Now() + longest);
  EXPECT_EQ(store().MustGet(waiting.id).run_at, waiting.run_at);
  clock_.Advance(longest);
  EXPECT_EQ(store().RunTimers().changed, 1);
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::QUEUED);
}

TEST_P(JobStoreConformance, LetsARetryWaitAsLongAsItsHandlerAskedAfterTheClockWasStepped) {
  const JobRecord job = Queued();
  v1::JobError away;
  away.set_reason("HTTP_503");
  away.set_retryable(true);
  away.mutable_retry_after()->set_seconds(14'400);
  ASSERT_TRUE(store().Fail(store().MustClaim(job.id), away));
  Reopen();
  EXPECT_EQ(store().MustGet(job.id).run_at, clock_.Now() + absl::Hours(4));
  clock_.Advance(absl::Hours(1));
  clock_.StepWall(-absl::Hours(50));
  Reopen();
  EXPECT_EQ(store().MustGet(job.id).run_at, clock_.Now() + absl::Hours(4));
}

TEST_P(JobStoreConformance, TellsHowLongTheHeadOfAQueueHasBeenReady) {
  auto low = NewJob();
  low.set_priority(v1::Job::LOW);
  store().MustSubmit(low);
  const absl::Time oldest = clock_.Now();
  clock_.Advance(absl::Minutes(1));
  Queued();
  const auto ages = Await<std::vector<std::optional<absl::Time>>>([&](const auto& done) {
    store_->ReadOldestReady({"mail", "demo.echo"}, done);
  });
  ASSERT_TRUE(ages.ok());
  ASSERT_EQ(ages->size(), 2u);
  EXPECT_FALSE((*ages)[0].has_value());
  EXPECT_EQ((*ages)[1], oldest);
}

}  // namespace
}  // namespace buzzer::state
