// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/leases/timer_loop.h"

#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

// Counts jobs by what became of them.
class Tally final : public CommitObserver {
 public:
  struct Counts {
    int queued = 0;
    int failed = 0;
    int deleted = 0;
  };
  void OnCommit(const std::vector<JobChange>& changes) override {
    counts_.Update([&](Counts& counts) {
      for (const JobChange& change : changes) {
        if (change.kind == JobChange::Kind::kDeleted) {
          ++counts.deleted;
        } else if (change.entry.cause == Cause::kDue) {
          ++counts.queued;
        } else if (change.job.state == v1::Job::FAILED) {
          ++counts.failed;
        }
      }
    });
  }
  bool Await(const std::function<bool(const Counts&)>& condition) {
    return counts_.Await(condition);
  }

 private:
  testing::Watched<Counts> counts_;
};

class TimerLoopTest : public StoreTest {
 protected:
  TimerLoopTest() {
    store_->AddObserver(&timers_);
    store_->AddObserver(&tally_);
  }
  ~TimerLoopTest() override {
    timers_.Stop();
    CloseStore();
  }

  internal::v1::NewJob Delayed(int seconds) {
    auto job = NewJob();
    job.mutable_delay()->set_seconds(seconds);
    return job;
  }

  TimerLoop timers_{store_.get(), &clock_};
  Tally tally_;
};

TEST_F(TimerLoopTest, DoesWhatIsDueWhenItStarts) {
  const JobRecord job = store().MustSubmit(Delayed(60));
  clock_.Advance(absl::Minutes(2));
  timers_.Start();
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1; }));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::QUEUED);
}

TEST_F(TimerLoopTest, WakesForATimeThatComesCloserThanTheNextOne) {
  timers_.Start();
  store().MustSubmit(Delayed(3600));
  const JobRecord sooner = store().MustSubmit(Delayed(5));
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1; }));
  EXPECT_EQ(store().MustGet(sooner.id).state, v1::Job::QUEUED);
  EXPECT_EQ(store().Count(v1::Job::SCHEDULED), 1);
}

TEST_F(TimerLoopTest, NoticesASteppedWallClock) {
  timers_.Start();
  store().MustSubmit(Delayed(3600));
  clock_.StepWall(absl::Hours(1));
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1; }));
}

TEST_F(TimerLoopTest, LetsARetryWaitNoLongerWhenTheWallClockIsSteppedBack) {
  timers_.Start();
  const JobRecord job = store().MustSubmit(NewJob());
  ASSERT_TRUE(store().Fail(store().MustClaim(job.id), true));
  const absl::Duration wait = *store().MustGet(job.id).run_at - clock_.Now();
  clock_.StepWall(-absl::Hours(1));
  clock_.Advance(wait);
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1; }));
}

TEST_F(TimerLoopTest, LetsARetryWaitItsTimeWhenTheWallClockIsSteppedForward) {
  timers_.Start();
  const JobRecord job = store().MustSubmit(NewJob());
  ASSERT_TRUE(store().Fail(store().MustClaim(job.id), true));
  store().MustSubmit(Delayed(3600));
  const absl::Time due = *store().MustGet(job.id).run_at;
  clock_.StepWall(absl::Hours(1));
  // The one whose time a caller named is due; the retry is not.
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1; }));
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::SCHEDULED);
  EXPECT_EQ(store().MustGet(job.id).run_at, due + absl::Hours(1));
}

TEST_F(TimerLoopTest, KeepsHouseEveryTenMinutes) {
  testing::Watched<int> kept;
  TimerLoop timers(store_.get(), &clock_, [&] { kept.Update([](int& times) { ++times; }); });
  timers.Start();
  for (int times = 1; times <= 3; ++times) {
    clock_.Advance(absl::Minutes(10));
    EXPECT_TRUE(kept.Await([&](int value) { return value == times; }));
  }
  timers.Stop();
  CloseStore();
}

TEST_F(TimerLoopTest, WorksOffMoreThanOneBatch) {
  std::vector<internal::v1::NewJob> jobs;
  jobs.reserve(1200);
  for (int i = 0; i < 1200; ++i) jobs.push_back(Delayed(10));
  ASSERT_TRUE(testing::Await<JobStore::Each<JobRecord>>([&](const auto& done) {
                store_->Submit(std::move(jobs), done);
              }).ok());
  timers_.Start();
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1200; }));
}

TEST_F(TimerLoopTest, EndsDeadlinesAndRetentions) {
  timers_.Start();
  auto job = NewJob();
  job.mutable_deadline()->set_seconds(30);
  store().MustSubmit(job);
  clock_.Advance(absl::Seconds(30));
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.failed == 1; }));
  clock_.Advance(absl::Hours(24));
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.deleted == 1; }));
}

TEST_F(TimerLoopTest, LooksAnewAfterTheStoreWasReopened) {
  TimerLoop deaf(store_.get(), &clock_);
  deaf.Start();
  store().RunTimers();
  store().MustSubmit(Delayed(5));
  clock_.Advance(absl::Seconds(5));
  deaf.OnReopen();
  EXPECT_TRUE(tally_.Await([](const auto& counts) { return counts.queued == 1; }));
  deaf.Stop();
  CloseStore();
}

TEST_F(TimerLoopTest, StopsAtOnceWhateverItWaitsFor) {
  timers_.Stop();  // Before it began.
  TimerLoop another(store_.get(), &clock_);
  another.Start();
  another.Stop();
  another.Stop();
  CloseStore();
}

}  // namespace
}  // namespace buzzer::state
