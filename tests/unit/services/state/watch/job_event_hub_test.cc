// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/watch/job_event_hub.h"

#include <atomic>

#include "tests/unit/services/state/forwarding_store.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using testing::Watched;
using Revisions = std::vector<int64_t>;

// What one session was told, gathered as a stream would: Fill after each wake.
class Listener {
 public:
  explicit Listener(JobEventHub* hub) {
    session_ = hub->Open([this] { wakes_.Update([](int& count) { ++count; }); });
  }
  ~Listener() { session_->Close(); }

  WatchSession* operator->() { return session_.get(); }

  absl::Status Start(int64_t watch, const JobId& job, int64_t after = 0,
                     const std::string& tenant = BlockingStore::kTenant) {
    internal::v1::WatchRequest::Start start;
    start.set_watch(watch);
    start.set_tenant(tenant);
    start.set_job_id(std::string(job.bytes()));
    start.set_after_revision(after);
    return session_->Start(start);
  }

  // Fills until the condition holds; false if it does not within a minute.
  bool Await(const std::function<bool()>& condition) {
    while (true) {
      const int seen = wakes_.Get();
      Fill();
      if (condition()) return true;
      if (!wakes_.Await([&](int count) { return count > seen; })) return false;
    }
  }
  bool AwaitRevision(int64_t watch, int64_t revision) {
    return Await(
        [&] { return !revisions_[watch].empty() && revisions_[watch].back() >= revision; });
  }
  bool AwaitEnd(int64_t watch) {
    return Await([&] { return ends_.contains(watch); });
  }

  const Revisions& revisions(int64_t watch) { return revisions_[watch]; }
  const google::rpc::Status& end(int64_t watch) { return ends_[watch]; }
  const v1::Job& snapshot(int64_t watch) { return snapshots_[watch]; }

  void Fill() {
    internal::v1::WatchResponse response;
    while (session_->Fill(&response)) {
      for (const auto& item : response.items()) {
        for (const auto& event : item.events()) {
          revisions_[item.watch()].push_back(event.revision());
          if (event.cause() == "SNAPSHOT") snapshots_[item.watch()] = event.job();
        }
        if (item.has_end()) ends_[item.watch()] = item.end();
      }
      response.Clear();
    }
  }

 private:
  Watched<int> wakes_;
  std::map<int64_t, Revisions> revisions_;
  std::map<int64_t, google::rpc::Status> ends_;
  std::map<int64_t, v1::Job> snapshots_;
  std::shared_ptr<WatchSession> session_;
};

class JobEventHubTest : public StoreTest {
 protected:
  JobEventHubTest() : hub_(store_.get()) { store_->AddObserver(&hub_); }
  ~JobEventHubTest() override { CloseStore(); }

  JobEventHub hub_;
};

TEST_F(JobEventHubTest, TellsAWholeLifeToTwoSessions) {
  const JobRecord job = Submit();
  Listener first(&hub_);
  Listener second(&hub_);
  ASSERT_TRUE(first.Start(1, job.id).ok());
  ASSERT_TRUE(second.Start(8, job.id).ok());
  ASSERT_TRUE(first.AwaitRevision(1, 1));
  ASSERT_TRUE(second.AwaitRevision(8, 1));
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Succeed(lease));
  ASSERT_TRUE(first.AwaitEnd(1));
  ASSERT_TRUE(second.AwaitEnd(8));
  EXPECT_EQ(first.revisions(1), (Revisions{1, 2, 3}));
  EXPECT_EQ(second.revisions(8), (Revisions{1, 2, 3}));
  EXPECT_EQ(first.end(1).code(), 0);
  EXPECT_EQ(hub_.size(), 0u);
}

TEST_F(JobEventHubTest, SaysInTheSnapshotThatNoWorkerTakesTheJob) {
  TypeRegistry types(store_.get(), &clock_, [](const std::string&) {});
  const WorkerRegistry workers;
  const WaitReasons waits(&types, &workers);
  JobEventHub hub(store_.get(), &waits);
  const JobRecord job = Submit();
  Listener listener(&hub);
  ASSERT_TRUE(listener.Start(1, job.id).ok());
  ASSERT_TRUE(listener.AwaitRevision(1, 1));
  EXPECT_EQ(listener.snapshot(1).wait_reason(), v1::Job::NO_WORKER);
}

TEST_F(JobEventHubTest, ResumesWithoutLoss) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  Listener listener(&hub_);
  ASSERT_TRUE(listener.Start(1, job.id, /*after=*/1).ok());
  ASSERT_TRUE(listener.AwaitRevision(1, 3));
  ASSERT_TRUE(store().Fail(lease, false));
  ASSERT_TRUE(listener.AwaitEnd(1));
  EXPECT_EQ(listener.revisions(1), (Revisions{2, 3, 4}));
}

TEST_F(JobEventHubTest, EndsAWatchOfWhatItCannotSee) {
  const JobRecord job = Submit();
  Listener listener(&hub_);
  ASSERT_TRUE(listener.Start(1, JobId::Make(clock_.Now())).ok());
  ASSERT_TRUE(listener.Start(2, job.id, 0, "other").ok());
  ASSERT_TRUE(listener.AwaitEnd(1));
  ASSERT_TRUE(listener.AwaitEnd(2));
  EXPECT_EQ(listener.end(1).code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(listener.end(2).code(), static_cast<int>(absl::StatusCode::kNotFound));
}

TEST_F(JobEventHubTest, TellsNothingOfAJobOfAnotherTenantThatChanges) {
  const JobRecord job = Submit();
  Listener listener(&hub_);
  ASSERT_TRUE(listener.Start(1, job.id, 0, "other").ok());
  store().MustClaim(job.id);
  ASSERT_TRUE(listener.AwaitEnd(1));
  EXPECT_TRUE(listener.revisions(1).empty());
}

TEST_F(JobEventHubTest, EndsAWatchWhenItsJobIsDeleted) {
  const JobRecord job = Submit();
  Listener listener(&hub_);
  ASSERT_TRUE(listener.Start(1, job.id).ok());
  ASSERT_TRUE(listener.AwaitRevision(1, 1));
  ASSERT_TRUE(store().Cancel(job.id).ok());
  ASSERT_TRUE(store().Delete(job.id).ok());
  ASSERT_TRUE(listener.AwaitEnd(1));
  EXPECT_EQ(listener.revisions(1), (Revisions{1, 2}));
}

TEST_F(JobEventHubTest, ForgetsStoppedWatchesAndClosedSessions) {
  const JobRecord job = Submit();
  {
    Listener listener(&hub_);
    ASSERT_TRUE(listener.Start(1, job.id).ok());
    ASSERT_TRUE(listener.Start(2, job.id).ok());
    EXPECT_EQ(hub_.size(), 2u);
    listener->Stop(1);
    listener->Stop(77);
    EXPECT_EQ(hub_.size(), 1u);
  }
  EXPECT_EQ(hub_.size(), 0u);
  store().MustClaim(job.id);
}

TEST_F(JobEventHubTest, CatchesASlowWatcherUpFromTheHistory) {
  const JobRecord job = Submit();
  Listener listener(&hub_);
  ASSERT_TRUE(listener.Start(1, job.id).ok());
  ASSERT_TRUE(listener.AwaitRevision(1, 1));
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(store().HandBack(store().MustClaim(job.id)));
  }
  ASSERT_TRUE(store().Cancel(job.id).ok());
  ASSERT_TRUE(listener.AwaitEnd(1));
  Revisions all;
  for (int64_t revision = 1; revision <= 122; ++revision) all.push_back(revision);
  EXPECT_EQ(listener.revisions(1), all);
}

TEST_F(JobEventHubTest, ReadsEveryWatchAgainWhenTheStoreWasReopened) {
  const JobRecord job = Submit();
  JobEventHub deaf(store_.get());  // As if commits had gone untold.
  Listener listener(&deaf);
  ASSERT_TRUE(listener.Start(1, job.id).ok());
  ASSERT_TRUE(listener.AwaitRevision(1, 1));
  store().MustClaim(job.id);
  deaf.OnReopen();
  ASSERT_TRUE(listener.AwaitRevision(1, 2));
  EXPECT_EQ(listener.revisions(1), (Revisions{1, 2}));
}

// A watcher that starts while its job changes: nothing twice, nothing missing.
TEST_F(JobEventHubTest, MissesNothingThatIsCommittedWhileAWatchStarts) {
  constexpr int kWatches = 200;
  const JobRecord job = Submit();
  Listener listener(&hub_);
  std::atomic<bool> go_on = true;
  std::thread changes([&] {
    while (go_on) store().HandBack(store().MustClaim(job.id));
  });
  for (int watch = 1; watch <= kWatches; ++watch) {
    ASSERT_TRUE(listener.Start(watch, job.id, /*after=*/1).ok());
    listener.Fill();
  }
  go_on = false;
  changes.join();
  const int64_t last = store().Cancel(job.id)->revision;
  for (int watch = 1; watch <= kWatches; ++watch) {
    ASSERT_TRUE(listener.AwaitEnd(watch));
    const Revisions& told = listener.revisions(watch);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back(), last);
    // From 2 on every revision is a change of state.
    for (size_t i = 0; i < told.size(); ++i) ASSERT_EQ(told[i], static_cast<int64_t>(i) + 2);
  }
}

TEST_F(JobEventHubTest, RefusesANumberThatIsInUse) {
  const JobRecord mine = Submit();
  auto foreign = NewJob();
  foreign.set_tenant("other");
  const JobRecord theirs = store().MustSubmit(foreign);
  Listener listener(&hub_);
  ASSERT_TRUE(listener.Start(1, mine.id).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(listener.Start(1, theirs.id, 0, "other")));
  EXPECT_EQ(hub_.size(), 1u);
  ASSERT_TRUE(listener.AwaitRevision(1, 1));
}

TEST_F(JobEventHubTest, TellsAWatchNothingOfTheOneThatHadItsNumberBefore) {
  const JobRecord first = Submit();
  auto foreign = NewJob();
  foreign.set_tenant("other");
  const JobRecord second = store().MustSubmit(foreign);
  ASSERT_TRUE(store().Succeed(store().MustClaim(first.id)));
  Listener listener(&hub_);
  // The read of the first comes after the number is the second's.
  for (int64_t watch = 1; watch <= 200; ++watch) {
    ASSERT_TRUE(listener.Start(watch, first.id).ok());
    listener->Stop(watch);
    ASSERT_TRUE(listener.Start(watch, second.id, 0, "other").ok());
  }
  for (int64_t watch = 1; watch <= 200; ++watch) {
    ASSERT_TRUE(listener.AwaitRevision(watch, 1));
    EXPECT_EQ(listener.revisions(watch), Revisions{1});
  }
}

TEST_F(JobEventHubTest, EndsAWatchThatIsWrongAndServesTheOthers) {
  const JobRecord job = Submit();
  Listener listener(&hub_);
  internal::v1::WatchRequest::Start start;
  start.set_watch(1);
  start.set_tenant(BlockingStore::kTenant);
  start.set_job_id("no id");
  ASSERT_TRUE(listener->Start(start).ok());
  ASSERT_TRUE(listener.Start(2, job.id).ok());
  ASSERT_TRUE(listener.AwaitEnd(1));
  EXPECT_EQ(listener.end(1).code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  ASSERT_TRUE(listener.AwaitRevision(2, 1));
  EXPECT_EQ(hub_.size(), 1u);
}

TEST_F(JobEventHubTest, FillsNoMessageBeyondWhatTheOtherSideTakes) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  store().Report(lease, 0.5, std::string(90'000, 'x'));
  Watched<int> wakes;
  const auto session = hub_.Open([&] { wakes.Update([](int& count) { ++count; }); });
  constexpr int kWatches = 300;  // Some 27 MB.
  for (int64_t watch = 1; watch <= kWatches; ++watch) {
    internal::v1::WatchRequest::Start start;
    start.set_watch(watch);
    start.set_tenant(BlockingStore::kTenant);
    start.set_job_id(std::string(job.id.bytes()));
    ASSERT_TRUE(session->Start(start).ok());
  }
  int told = 0;
  while (told < kWatches) {
    const int seen = wakes.Get();
    internal::v1::WatchResponse response;
    if (session->Fill(&response)) {
      EXPECT_LT(response.ByteSizeLong(), 8u << 20);
      told += response.items_size();
    } else {
      ASSERT_TRUE(wakes.Await([&](int count) { return count > seen; }));
    }
  }
  EXPECT_EQ(told, kWatches);
  session->Close();
}

// Counts the reads of watches. Thread-safe.
class CountingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void GetForWatch(std::string tenant, JobId job, int64_t after,
                   Callback<WatchStart> done) override {
    ++reads;
    ForwardingStore::GetForWatch(std::move(tenant), job, after, std::move(done));
  }
  std::atomic<int> reads = 0;
};

TEST_F(JobEventHubTest, ReadsNoFurtherJobsForAPeerThatDoesNotTakeThem) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  store().Report(lease, 0.5, std::string(90'000, 'x'));
  CountingStore counted(store_.get());
  JobEventHub hub(&counted);
  Listener listener(&hub);
  constexpr int kWatches = 5000;  // Some 450 MB.
  for (int64_t watch = 1; watch <= kWatches; ++watch) {
    ASSERT_TRUE(listener.Start(watch, job.id).ok());
    // Reads are answered in order: behind this one lie those of the watches.
    if (watch % 500 == 0) {
      ASSERT_TRUE(store().Get(job.id).ok());
    }
  }
  EXPECT_FALSE(listener->HasRoom());
  EXPECT_LT(counted.reads, 300);
  ASSERT_TRUE(listener.AwaitRevision(kWatches, 1));
  EXPECT_EQ(counted.reads, kWatches);
  EXPECT_TRUE(listener->HasRoom());
}

TEST_F(JobEventHubTest, KeepsNoMoreChangesThanAPeerTakesAndTellsThemAllLater) {
  auto spec = NewJob();
  spec.set_max_attempts(40);
  const JobRecord job = store().MustSubmit(spec);
  constexpr int kWatches = 200;
  Listener listener(&hub_);
  for (int64_t watch = 1; watch <= kWatches; ++watch) {
    ASSERT_TRUE(listener.Start(watch, job.id).ok());
    ASSERT_TRUE(listener.AwaitRevision(watch, 1));
  }
  // Each failure is told with 4 KiB of detail: 30 of them to all are some 24 MB.
  for (int i = 0; i < 30; ++i) {
    OutcomeReport failed;
    failed.lease = store().MustClaim(job.id);
    failed.kind = OutcomeReport::Kind::kFailure;
    failed.failure.set_reason("WRONG");
    failed.failure.set_detail(std::string(4000, 'x'));
    failed.failure.set_retryable(true);
    ASSERT_TRUE(store().Finish(failed));
    clock_.Advance(absl::Hours(1));
    store().RunTimers();
  }
  const int64_t last = store().Cancel(job.id)->revision;
  for (int64_t watch = 1; watch <= kWatches; ++watch) {
    ASSERT_TRUE(listener.AwaitEnd(watch));
    const Revisions& told = listener.revisions(watch);
    EXPECT_EQ(told.back(), last);
    for (size_t i = 0; i < told.size(); ++i) ASSERT_EQ(told[i], static_cast<int64_t>(i) + 1);
  }
}

}  // namespace
}  // namespace buzzer::state
