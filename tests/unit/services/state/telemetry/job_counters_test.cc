// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/telemetry/job_counters.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class JobCountersTest : public StoreTest {
 protected:
  JobCountersTest() { store_->AddObserver(&counters_); }
  ~JobCountersTest() override { CloseStore(); }

  static constexpr absl::Duration kDeadline = absl::Minutes(1);

  JobRecord SubmitWithDeadline() {
    auto job = NewJob();
    *job.mutable_deadline() = ToDuration(kDeadline);
    return store().MustSubmit(job);
  }

  JobCounters::Counts Of(const std::string& queue = "demo.echo") const {
    for (const auto& [name, counts] : counters_.Snapshot()) {
      if (name == queue) return counts;
    }
    return {};
  }

  JobCounters counters_;
};

TEST_F(JobCountersTest, CountsHowJobsEnd) {
  ASSERT_TRUE(store().Succeed(store().MustClaim(Submit().id)));
  ASSERT_TRUE(store().Fail(store().MustClaim(Submit().id), false));
  ASSERT_TRUE(store().Cancel(Submit().id).ok());
  const JobCounters::Counts counts = Of();
  EXPECT_EQ(counts.succeeded, 1);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.cancelled, 1);
  EXPECT_EQ(counts.retries, 0);
  EXPECT_THAT(counts.attempts_failed, UnorderedElementsAre(Pair("HANDLER_FAILED", 1)));
}

TEST_F(JobCountersTest, CountsWhatADeadWorkerCannotTell) {
  const JobRecord job = Submit();
  store().LoseLease(store().MustClaim(job.id));
  const JobRecord stopping = Submit();
  const LeaseRef lease = store().MustClaim(stopping.id);
  ASSERT_TRUE(store().Cancel(stopping.id).ok());
  store().LoseLease(lease);
  const JobCounters::Counts counts = Of();
  EXPECT_EQ(counts.leases_lost, 2);
  EXPECT_EQ(counts.retries, 1);
  EXPECT_EQ(counts.cancelled, 1);
  EXPECT_EQ(counts.failed, 0);
  EXPECT_THAT(counts.attempts_failed,
              UnorderedElementsAre(Pair("LEASE_EXPIRED", 1), Pair("WORKER_LOST", 1)));
}

TEST_F(JobCountersTest, CountsALeaseThatIsLostWhileTheJobStopsForItsDeadline) {
  const LeaseRef lease = store().MustClaim(SubmitWithDeadline().id);
  clock_.Advance(kDeadline);
  store().RunTimers();
  store().LoseLease(lease);
  const JobCounters::Counts counts = Of();
  EXPECT_EQ(counts.leases_lost, 1);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_THAT(counts.attempts_failed, UnorderedElementsAre(Pair("DEADLINE_EXCEEDED", 1)));
}

TEST_F(JobCountersTest, CountsNoLeaseThatWasHeldToTheEndAsLost) {
  const LeaseRef lease = store().MustClaim(SubmitWithDeadline().id);
  const JobRecord waits = SubmitWithDeadline();
  clock_.Advance(kDeadline);
  store().RunTimers();
  ASSERT_TRUE(store().Fail(lease, false));
  ASSERT_EQ(store().MustGet(waits.id).state, v1::Job::FAILED);
  EXPECT_EQ(Of().leases_lost, 0);
  EXPECT_EQ(Of().failed, 2);
}

TEST_F(JobCountersTest, CountsNoFailureOfACancelledJobThatStopped) {
  for (const char* wrote : {"", "stopping, as asked"}) {
    const JobRecord job = Submit();
    const LeaseRef lease = store().MustClaim(job.id);
    ASSERT_TRUE(store().Cancel(job.id).ok());
    v1::JobError stopped;
    stopped.set_reason("CANCELLED");
    stopped.set_detail(wrote);
    ASSERT_TRUE(store().Fail(lease, stopped));
  }
  const JobCounters::Counts counts = Of();
  EXPECT_EQ(counts.cancelled, 2);
  EXPECT_THAT(counts.attempts_failed, UnorderedElementsAre());
}

TEST_F(JobCountersTest, CountsAJobThatIsForcedToItsEnd) {
  const JobRecord job = Submit();
  store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  ASSERT_TRUE(store().Cancel(job.id, /*force=*/true).ok());
  const JobCounters::Counts counts = Of();
  EXPECT_EQ(counts.cancelled, 1);
  EXPECT_EQ(counts.leases_lost, 0) << "nobody knows whether it would have been";
  EXPECT_THAT(counts.attempts_failed, UnorderedElementsAre(Pair("FORCED", 1)));
}

TEST_F(JobCountersTest, CountsRetriesTimeoutsAndWhatIsHandedBack) {
  ASSERT_TRUE(store().Fail(store().MustClaim(Submit().id), true));
  store().LoseLease(store().MustClaim(Submit().id), LossCause::kAttemptTimeout);
  ASSERT_TRUE(store().HandBack(store().MustClaim(Submit().id)));
  const JobCounters::Counts counts = Of();
  EXPECT_EQ(counts.retries, 2);
  EXPECT_EQ(counts.handed_back, 1);
  EXPECT_EQ(counts.leases_lost, 0);
  EXPECT_THAT(counts.attempts_failed,
              UnorderedElementsAre(Pair("ATTEMPT_TIMEOUT", 1), Pair("HANDLER_FAILED", 1)));
}

TEST_F(JobCountersTest, CountsJobsThatCameToAWorkerWithoutAHandler) {
  ClaimRequest claim;
  claim.job = Submit().id;
  claim.claim_id = RandomBytes(16);
  claim.intent = ClaimRequest::Intent::kReturnNoHandler;
  store().Claim(claim);
  EXPECT_EQ(Of().no_handler, 1);
}

TEST_F(JobCountersTest, PutsWhatHandlersInventIntoOneClass) {
  EXPECT_EQ(JobCounters::ReasonClass("LEASE_EXPIRED"), "LEASE_EXPIRED");
  EXPECT_EQ(JobCounters::ReasonClass("ORDER_4711_IS_ODD"), "OTHER");
  EXPECT_EQ(JobCounters::ReasonClass(""), "OTHER");
}

TEST_F(JobCountersTest, HasABoundOfQueues) {
  for (size_t i = 0; i < JobCounters::kMaxQueuesCounted + 10; ++i) {
    auto job = NewJob();
    job.set_queue(absl::StrCat("q", i));
    ASSERT_TRUE(store().Cancel(store().MustSubmit(job).id).ok());
  }
  EXPECT_EQ(counters_.Snapshot().size(), JobCounters::kMaxQueuesCounted + 1);
  EXPECT_EQ(Of("other queues").cancelled, 10);
}

}  // namespace
}  // namespace buzzer::state
