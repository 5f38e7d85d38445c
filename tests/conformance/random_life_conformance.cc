// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Some thousand random calls from a seeded generator; then everything must add up.

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

constexpr int kRounds = 900;
constexpr int kMaxCallsAtOnce = 12;

// Drives a store at random: sends calls without waiting, so that they share commits.
class RandomLife {
 public:
  RandomLife(JobStore* store, testing::FakeClock* clock, uint32_t seed)
      : store_(store), clock_(clock), random_(seed) {}

  // Sends some calls, and waits for all their answers.
  void Round() {
    const int calls = Pick(kMaxCallsAtOnce) + 1;
    for (int i = 0; i < calls; ++i) Call();
    ASSERT_TRUE(open_.Await([](int count) { return count == 0; }));
  }

  void Use(JobStore* store) { store_ = store; }

  // Attempt numbers that were granted, by job, in the order of their answers.
  std::map<JobId, std::vector<int32_t>> granted() const {
    MutexLock lock(&mutex_);
    return granted_;
  }

 private:
  int Pick(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }

  auto Counted() {
    open_.Update([](int& count) { ++count; });
    return [this](const auto&) { open_.Update([](int& count) { --count; }); };
  }

  void Call() {
    switch (Pick(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Submit();
      case 4:
      case 5:
      case 6:
        return Claim();
      case 7:
      case 8:
      case 9:
        return Finish();
      case 10:
        if (auto lease = AnyLease()) {
          ProgressReport report{*lease, {}};
          report.progress.set_fraction(0.5);
          store_->ReportProgress({std::move(report)}, Counted());
        }
        return;
      case 11:
        if (auto lease = AnyLease()) {
          store_->LoseLeases(
              {{*lease, Pick(2) == 0 ? LossCause::kLeaseExpired : LossCause::kAttemptTimeout}},
              Counted());
        }
        return;
      case 12:
        if (auto job = AnyJob())
          store_->Cancel(TenantOf(*job), *job, /*force=*/Pick(3) == 0, Counted());
        return;
      case 13:
        if (auto job = AnyJob()) store_->Retry(TenantOf(*job), *job, Counted());
        if (Pick(4) == 0) {
          store_->ReleaseKey(Pick(3) == 0 ? "other" : BlockingStore::kTenant,
                             std::to_string(Pick(100)), Counted());
        }
        return;
      case 14:
        if (auto job = AnyJob()) store_->Delete(TenantOf(*job), *job, Counted());
        return;
      default:
        clock_->Advance(absl::Seconds(Pick(20)));
        if (Pick(20) == 0) clock_->Advance(absl::Hours(6));
        if (Pick(10) == 0) clock_->StepWall(-absl::Seconds(Pick(100)));
        if (Pick(8) == 0) store_->SetPaused("photos", Pick(2) == 0, Counted());
        store_->RunTimers(Pick(50) + 1, Counted());
        return;
    }
  }

  void Submit() {
    constexpr const char* kQueues[] = {"demo.echo", "photos", "mail"};
    internal::v1::NewJob job = MakeNewJob(clock_->Now());
    const JobId id = *JobId::FromBytes(job.id());
    job.set_queue(kQueues[Pick(3)]);
    job.set_priority(static_cast<v1::Job::Priority>(Pick(3) + 1));
    job.set_max_attempts(Pick(3) + 1);
    if (Pick(3) == 0) job.set_tenant("other");
    if (Pick(4) == 0) job.mutable_delay()->set_seconds(Pick(30));
    if (Pick(4) == 0) job.mutable_deadline()->set_seconds(Pick(200) + 1);
    if (Pick(3) == 0) {
      job.set_idempotency_key(std::to_string(Pick(100)));
      job.set_request_hash(std::to_string(Pick(2)));
      job.set_request_hash_version(1);
    }
    if (Pick(2) == 0) (*job.mutable_labels())["team"] = Pick(2) == 0 ? "red" : "blue";
    jobs_.emplace_back(id, job.tenant());
    store_->Submit({std::move(job)}, Counted());
  }

  void Claim() {
    const auto job = AnyJob();
    if (!job.has_value()) return;
    ClaimRequest claim;
    claim.job = *job;
    claim.claim_id = RandomBytes(16);
    claim.worker = "worker-1";
    if (Pick(6) == 0) claim.intent = ClaimRequest::Intent::kReturnNoHandler;
    if (Pick(6) == 0) claim.intent = ClaimRequest::Intent::kReturnDraining;
    open_.Update([](int& count) { ++count; });
    store_->Claim({claim}, [this, id = *job](const auto& results) {
      if (results.ok() && results->front().granted.has_value()) {
        const auto& granted = *results->front().granted;
        MutexLock lock(&mutex_);
        granted_[id].push_back(granted.attempt());
        leases_.push_back({id, granted.attempt(), granted.lease_id()});
      }
      open_.Update([](int& count) { --count; });
    });
  }

  void Finish() {
    const auto lease = AnyLease();
    if (!lease.has_value()) return;
    OutcomeReport outcome;
    outcome.lease = *lease;
    outcome.kind = static_cast<OutcomeReport::Kind>(Pick(3));
    outcome.success.set_result("done");
    outcome.failure.set_reason("HANDLER_FAILED");
    outcome.failure.set_retryable(Pick(3) != 0);
    store_->Finish({std::move(outcome)}, Counted());
  }

  std::optional<JobId> AnyJob() {
    if (jobs_.empty()) return std::nullopt;
    // Mostly young ones, so that most still live.
    const int among = std::min<int>(static_cast<int>(jobs_.size()), 60);
    return jobs_[jobs_.size() - 1 - static_cast<size_t>(Pick(among))].first;
  }

  std::string TenantOf(const JobId& id) {
    for (auto it = jobs_.rbegin(); it != jobs_.rend(); ++it) {
      if (it->first == id) return it->second;
    }
    return "";
  }

  std::optional<LeaseRef> AnyLease() {
    MutexLock lock(&mutex_);
    if (leases_.empty()) return std::nullopt;
    const int among = std::min<int>(static_cast<int>(leases_.size()), 15);
    return leases_[leases_.size() - 1 - static_cast<size_t>(Pick(among))];
  }

  JobStore* store_;
  testing::FakeClock* const clock_;
  std::mt19937 random_;
  std::vector<std::pair<JobId, std::string>> jobs_;
  testing::Watched<int> open_;
  mutable Mutex mutex_;
  std::vector<LeaseRef> leases_ ABSL_GUARDED_BY(mutex_);
  std::map<JobId, std::vector<int32_t>> granted_ ABSL_GUARDED_BY(mutex_);
};

// What observers were told: each job's revisions rise, and each change begins where the
// last one ended.
void ExpectToldInOrder(const std::vector<JobChange>& changes) {
  struct Last {
    int64_t revision = 0;
    JobState state = v1::Job::STATE_UNSPECIFIED;
  };
  std::map<JobId, Last> last;
  for (const JobChange& change : changes) {
    Last& known = last[change.job.id];
    EXPECT_EQ(change.before, known.state);
    switch (change.kind) {
      case JobChange::Kind::kState:
        EXPECT_GT(change.job.revision, known.revision);
        EXPECT_EQ(change.entry.revision, change.job.revision);
        EXPECT_EQ(change.entry.state, change.job.state);
        break;
      case JobChange::Kind::kProgress:
        EXPECT_GT(change.job.revision, known.revision);
        EXPECT_EQ(change.job.state, known.state);
        break;
      case JobChange::Kind::kReturned:
        EXPECT_EQ(change.job.revision, known.revision);
        EXPECT_EQ(change.job.state, v1::Job::QUEUED);
        break;
      case JobChange::Kind::kDeleted:
        EXPECT_TRUE(IsTerminal(change.job.state));
        break;
    }
    known = {change.job.revision, change.job.state};
  }
}

TEST_P(JobStoreConformance, AddsUpAfterThousandsOfCallsAndRestarts) {
  RandomLife life(store_.get(), &clock_, /*seed=*/20260301);
  for (int round = 1; round <= kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(life.Round());
    if (round % (kRounds / 3) != 0) continue;
    ASSERT_NO_FATAL_FAILURE(ExpectConsistent()) << "after round " << round;
    Reopen();
    life.Use(store_.get());
    ASSERT_NO_FATAL_FAILURE(ExpectConsistent()) << "opened again after round " << round;
  }
  ExpectToldInOrder(log_.changes());
  size_t grants = 0;
  for (const auto& [job, attempts] : life.granted()) {
    for (size_t i = 0; i < attempts.size(); ++i) {
      EXPECT_EQ(attempts[i], static_cast<int32_t>(i) + 1);
    }
    grants += attempts.size();
  }
  // The generator does reach the middle of lives.
  EXPECT_GT(grants, 300u);
}

}  // namespace
}  // namespace buzzer::state
