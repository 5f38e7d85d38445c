// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/leases/lease_monitor.h"

#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

// Time is the test's; the monitor's thread runs only where a test starts it.
class LeaseMonitorTest : public StoreTest {
 protected:
  LeaseMonitorTest() { store_->AddObserver(&leases_); }
  ~LeaseMonitorTest() override {
    leases_.Stop();
    CloseStore();
  }

  // Lets time pass as it does for a process that runs: with a tick every second.
  void Pass(absl::Duration duration) {
    for (; duration > absl::ZeroDuration(); duration -= absl::Seconds(1)) {
      clock_.Advance(std::min(duration, absl::Seconds(1)));
      leases_.Tick();
    }
    // Whatever the ticks asked of the store is done before this.
    store().SetPaused("unused", false);
  }

  JobState StateOf(const JobId& job) { return store().MustGet(job).state; }

  LeaseMonitor leases_{store_.get(), &clock_};
};

TEST_F(LeaseMonitorTest, FailsAnAttemptWhoseLeaseIsNotRenewed) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  EXPECT_EQ(leases_.size(), 1u);
  Pass(absl::Seconds(29));
  EXPECT_EQ(StateOf(job.id), v1::Job::RUNNING);
  Pass(absl::Seconds(1));
  const JobRecord lost = store().MustGet(job.id);
  EXPECT_EQ(lost.state, v1::Job::SCHEDULED);
  EXPECT_EQ(lost.error->reason(), "LEASE_EXPIRED");
  EXPECT_TRUE(lost.error->retryable());
  EXPECT_FALSE(leases_.Renew(lease).held);
  EXPECT_EQ(leases_.size(), 0u);
}

TEST_F(LeaseMonitorTest, KeepsAnAttemptWhoseLeaseIsRenewed) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  for (int i = 0; i < 20; ++i) {
    Pass(absl::Seconds(10));
    const auto renewal = leases_.Renew(lease);
    EXPECT_TRUE(renewal.held);
    EXPECT_FALSE(renewal.cancel_requested);
  }
  EXPECT_EQ(StateOf(job.id), v1::Job::RUNNING);
}

TEST_F(LeaseMonitorTest, TakesTheLengthOfTheLeaseFromTheJob) {
  auto spec = NewJob();
  spec.mutable_lease()->set_seconds(5);
  const JobRecord job = store().MustSubmit(spec);
  store().MustClaim(job.id);
  Pass(absl::Seconds(5));
  EXPECT_EQ(StateOf(job.id), v1::Job::SCHEDULED);
}

TEST_F(LeaseMonitorTest, RenewsNoLeaseButTheCurrentOne) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  LeaseRef other = lease;
  other.lease_id = RandomBytes(16);
  EXPECT_FALSE(leases_.Renew(other).held);
  other = lease;
  other.attempt = 7;
  EXPECT_FALSE(leases_.Renew(other).held);
  other = lease;
  other.job = JobId::Make(clock_.Now());
  EXPECT_FALSE(leases_.Renew(other).held);
}

TEST_F(LeaseMonitorTest, ForgetsAnAttemptThatEnded) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Succeed(lease));
  EXPECT_EQ(leases_.size(), 0u);
  EXPECT_FALSE(leases_.Renew(lease).held);
}

TEST_F(LeaseMonitorTest, TellsARenewalThatTheJobShallStop) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  const auto renewal = leases_.Renew(lease);
  EXPECT_TRUE(renewal.held);
  EXPECT_TRUE(renewal.cancel_requested);
}

TEST_F(LeaseMonitorTest, EndsALostCancellingJobOneGraceAfterItsLease) {
  const JobRecord job = Submit();
  store().MustClaim(job.id);
  Pass(absl::Seconds(20));
  ASSERT_TRUE(store().Cancel(job.id).ok());
  Pass(absl::Seconds(19));
  EXPECT_EQ(StateOf(job.id), v1::Job::CANCELLING);
  Pass(absl::Seconds(1));
  const JobRecord ended = store().MustGet(job.id);
  EXPECT_EQ(ended.state, v1::Job::CANCELLED);
  EXPECT_EQ(ended.error->reason(), "WORKER_LOST");
}

TEST_F(LeaseMonitorTest, RefusesToRenewTheLeaseOfAJobThatWasEndedWithoutItsWorker) {
  auto spec = NewJob();
  spec.mutable_lease()->set_seconds(3600);
  const JobRecord job = store().MustSubmit(spec);
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  ASSERT_TRUE(store().Cancel(job.id, /*force=*/true).ok());
  EXPECT_EQ(StateOf(job.id), v1::Job::CANCELLED);
  EXPECT_FALSE(leases_.Renew(lease).held);
  EXPECT_EQ(leases_.size(), 0u);
}

TEST_F(LeaseMonitorTest, RefusesToRenewALeaseThatRanOutWhileItStopped) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  Pass(absl::Seconds(30));
  EXPECT_FALSE(leases_.Renew(lease).held);
  EXPECT_EQ(StateOf(job.id), v1::Job::CANCELLING);
}

TEST_F(LeaseMonitorTest, EndsAnAttemptOneGraceAfterItsTimeout) {
  auto spec = NewJob();
  spec.mutable_attempt_timeout()->set_seconds(60);
  const JobRecord job = store().MustSubmit(spec);
  const LeaseRef lease = store().MustClaim(job.id);
  for (int i = 0; i < 69; ++i) {
    Pass(absl::Seconds(1));
    ASSERT_TRUE(leases_.Renew(lease).held) << i;
  }
  Pass(absl::Seconds(1));
  const JobRecord ended = store().MustGet(job.id);
  EXPECT_EQ(ended.state, v1::Job::SCHEDULED);
  EXPECT_EQ(ended.error->reason(), "ATTEMPT_TIMEOUT");
  EXPECT_FALSE(leases_.Renew(lease).held);
}

TEST_F(LeaseMonitorTest, CountsNoTimeInWhichStateStoodStill) {
  auto spec = NewJob();
  spec.mutable_attempt_timeout()->set_seconds(60);
  const JobRecord job = store().MustSubmit(spec);
  const LeaseRef lease = store().MustClaim(job.id);
  Pass(absl::Seconds(29));
  clock_.Advance(absl::Minutes(2));  // SIGSTOP, SIGCONT.
  leases_.Tick();
  Pass(absl::Seconds(29));
  EXPECT_EQ(StateOf(job.id), v1::Job::RUNNING);
  EXPECT_TRUE(leases_.Renew(lease).held);
  // 58 s have counted; with 12 more it has overrun.
  Pass(absl::Seconds(11));
  EXPECT_EQ(StateOf(job.id), v1::Job::RUNNING);
  Pass(absl::Seconds(1));
  EXPECT_EQ(store().MustGet(job.id).error->reason(), "ATTEMPT_TIMEOUT");
}

TEST_F(LeaseMonitorTest, CountsATickThatComesALittleLate) {
  const JobRecord job = Submit();
  store().MustClaim(job.id);
  for (int i = 0; i < 16; ++i) {
    clock_.Advance(absl::Milliseconds(1900));
    leases_.Tick();
  }
  Pass(absl::ZeroDuration());
  EXPECT_EQ(StateOf(job.id), v1::Job::SCHEDULED);
}

TEST_F(LeaseMonitorTest, BeginsEveryLeaseAnewAfterAStart) {
  const JobRecord running = Submit();
  const LeaseRef lease = store().MustClaim(running.id);
  const JobRecord cancelling = Submit();
  const LeaseRef stopping = store().MustClaim(cancelling.id);
  ASSERT_TRUE(store().Cancel(cancelling.id).ok());

  clock_.Advance(absl::Hours(1));  // State was down; its workers ran on.
  CloseStore();
  OpenStore();
  LeaseMonitor restarted(store_.get(), &clock_);
  store_->AddObserver(&restarted);
  ASSERT_TRUE(restarted.Start().ok());
  restarted.Stop();
  EXPECT_EQ(restarted.size(), 2u);
  clock_.Advance(absl::Milliseconds(1500));
  restarted.Tick();
  EXPECT_TRUE(restarted.Renew(lease).held);
  EXPECT_TRUE(restarted.Renew(stopping).cancel_requested);
  CloseStore();
}

TEST_F(LeaseMonitorTest, TakesUpWhatWasCommittedUntold) {
  const JobRecord job = Submit();
  LeaseMonitor deaf(store_.get(), &clock_);
  const LeaseRef lease = store().MustClaim(job.id);
  EXPECT_FALSE(deaf.Renew(lease).held);
  deaf.OnReopen();
  deaf.Tick();
  store().Get(job.id).IgnoreError();
  EXPECT_TRUE(deaf.Renew(lease).held);
}

TEST_F(LeaseMonitorTest, ForgetsALeaseWhoseEndWasCommittedUntold) {
  const JobRecord job = Submit();
  LeaseMonitor deaf(store_.get(), &clock_);
  const LeaseRef lease = store().MustClaim(job.id);
  deaf.OnReopen();
  deaf.Tick();
  store().Get(job.id).IgnoreError();
  ASSERT_EQ(deaf.size(), 1u);
  ASSERT_TRUE(store().Succeed(lease));
  for (int i = 0; i < 31; ++i) {
    clock_.Advance(absl::Seconds(1));
    deaf.Tick();
  }
  store().SetPaused("unused", false);
  EXPECT_EQ(deaf.size(), 0u);
  EXPECT_EQ(StateOf(job.id), v1::Job::SUCCEEDED);
}

// Sets `seen` when a job is scheduled again.
class RetryObserver final : public CommitObserver {
 public:
  void OnCommit(const std::vector<JobChange>& changes) override {
    for (const JobChange& change : changes) {
      if (change.job.state == v1::Job::SCHEDULED) seen.Set(true);
    }
  }
  testing::Watched<bool> seen;
};

TEST_F(LeaseMonitorTest, TicksByItself) {
  LeaseMonitor ticking(store_.get(), Clock::Real());
  RetryObserver retries;
  store_->AddObserver(&ticking);
  store_->AddObserver(&retries);
  ASSERT_TRUE(ticking.Start().ok());
  auto spec = NewJob();
  spec.mutable_lease()->set_nanos(50'000'000);
  store().MustClaim(store().MustSubmit(spec).id);
  EXPECT_TRUE(retries.seen.Await([](bool seen) { return seen; }));
  ticking.Stop();
  CloseStore();
}

}  // namespace
}  // namespace buzzer::state
