// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Accepting jobs: steps 1 and 2 of a job's life, idempotency and limits.

#include <atomic>

#include "absl/synchronization/notification.h"
#include "common/errors/errors.h"
#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

using testing::Await;

internal::v1::NewJob WithKey(internal::v1::NewJob job, const std::string& key,
                             const std::string& hash) {
  job.set_idempotency_key(key);
  job.set_request_hash(hash);
  job.set_request_hash_version(1);
  return job;
}

TEST_P(JobStoreConformance, AcceptsAJobAsQueuedAtRevisionOne) {
  const auto job = NewJob();
  const JobRecord stored = store().MustSubmit(job);
  EXPECT_EQ(stored.id.bytes(), job.id());
  EXPECT_EQ(stored.state, v1::Job::QUEUED);
  EXPECT_EQ(stored.revision, 1);
  EXPECT_EQ(stored.attempt, 0);
  const auto full = store().GetFull(stored.id);
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->payload, R"({"n":1})");
  EXPECT_EQ(Causes(full->history), std::vector<std::string>{"SUBMITTED"});
  EXPECT_EQ(store().Outbox(), std::vector<JobId>{stored.id});
}

TEST_P(JobStoreConformance, TellsAnObserverInOrderAndBeforeTheCaller) {
  const JobRecord stored = Queued();
  store().MustClaim(stored.id);
  const auto changes = log_.ChangesOf(stored.id);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].before, v1::Job::STATE_UNSPECIFIED);
  EXPECT_EQ(changes[0].job.state, v1::Job::QUEUED);
  EXPECT_EQ(changes[0].entry.cause, Cause::kSubmitted);
  EXPECT_EQ(changes[1].job.state, v1::Job::RUNNING);
}

TEST_P(JobStoreConformance, TellsTheObserversBeforeThoseWhoAsked) {
  struct Hearing final : CommitObserver {
    void OnCommit(const std::vector<JobChange>&) override { heard = true; }
    std::atomic<bool> heard = false;
  } hearing;
  store_->AddObserver(&hearing);
  absl::Notification answered;
  store_->Submit({NewJob()}, [&](const absl::StatusOr<JobStore::Each<JobRecord>>& answer) {
    EXPECT_TRUE(answer.ok());
    EXPECT_TRUE(hearing.heard);
    answered.Notify();
  });
  answered.WaitForNotification();
  store_.reset();  // Before the observer goes.
}

TEST_P(JobStoreConformance, AnswersARepeatedIdWithTheStoredJob) {
  auto job = NewJob();
  const JobRecord first = store().MustSubmit(job);
  store().MustClaim(first.id);
  const JobRecord again = store().MustSubmit(job);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.state, v1::Job::RUNNING);
  EXPECT_EQ(AllJobs().size(), 1u);
}

TEST_P(JobStoreConformance, KeepsJobsApartWhoseIdsDifferInTheirLastBytesOnly) {
  auto job = NewJob();
  std::vector<JobId> jobs;
  for (int i = 0; i < 200; ++i) {
    std::string id = job.id();
    id[14] = static_cast<char>(i / 50);
    id[15] = static_cast<char>(i % 50);
    job.set_id(id);
    job.set_payload(absl::StrCat(i));
    jobs.push_back(store().MustSubmit(job).id);
  }
  EXPECT_EQ(AllJobs().size(), jobs.size());
  const LeaseRef lease = store().MustClaim(jobs[77]);
  EXPECT_TRUE(store().Succeed(lease));
  EXPECT_TRUE(store().Delete(jobs[77]).ok());
  for (int i = 0; i < 200; ++i) {
    const auto full = Await<FullJob>(
        [&](const auto& done) { store_->GetFull(BlockingStore::kTenant, jobs[i], done); });
    ASSERT_EQ(full.ok(), i != 77);
    if (i == 77) continue;
    EXPECT_EQ(full->payload, absl::StrCat(i));
  }
}

TEST_P(JobStoreConformance, LooksForAJobWithoutAQueueAndTakesNoNewOne) {
  auto job = NewJob();
  const JobRecord first = store().MustSubmit(job);
  job.clear_queue();
  EXPECT_EQ(store().MustSubmit(job).id, first.id);
  auto unknown = NewJob();
  unknown.clear_queue();
  EXPECT_EQ(ErrorReason(store().Submit(unknown).status()), kNoQueue);
  EXPECT_EQ(AllJobs().size(), 1u);
}

TEST_P(JobStoreConformance, DoesNotShowAnIdOfAnotherTenant) {
  auto job = NewJob();
  store().MustSubmit(job);
  job.set_tenant("other");
  EXPECT_FALSE(store().Submit(job).ok());
}

TEST_P(JobStoreConformance, KeepsADelayedJobOutOfTheOutboxUntilItIsDue) {
  auto job = NewJob();
  job.mutable_delay()->set_seconds(60);
  const JobRecord stored = store().MustSubmit(job);
  EXPECT_EQ(stored.state, v1::Job::SCHEDULED);
  EXPECT_EQ(stored.run_at, clock_.Now() + absl::Minutes(1));
  EXPECT_TRUE(store().Outbox().empty());
}

TEST_P(JobStoreConformance, GivesTheOriginalForTheSameKeyAndRequest) {
  const JobRecord first = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  const JobRecord again = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(AllJobs().size(), 1u);
}

TEST_P(JobStoreConformance, RefusesTheSameKeyForAnotherRequest) {
  store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  const auto other = store().Submit(WithKey(NewJob(), "order-1", "another"));
  EXPECT_TRUE(absl::IsAlreadyExists(other.status()));
  EXPECT_EQ(ErrorReason(other.status()), "KEY_REUSED");
}

TEST_P(JobStoreConformance, KeepsKeysApartByTenant) {
  const JobRecord first = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  auto job = WithKey(NewJob(), "order-1", "another");
  job.set_tenant("other");
  const auto second = store().Submit(job);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->id, first.id);
}

TEST_P(JobStoreConformance, DoesNotCompareHashesOfDifferentVersions) {
  const JobRecord first = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  auto job = WithKey(NewJob(), "order-1", "hash of other fields");
  job.set_request_hash_version(2);
  const auto again = store().Submit(job);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, first.id);
}

TEST_P(JobStoreConformance, FindsAKeyThatCameInTheSameBatch) {
  std::vector<internal::v1::NewJob> jobs;
  jobs.reserve(100);
  for (int i = 0; i < 100; ++i) jobs.push_back(WithKey(NewJob(), "order-1", "hash"));
  const auto answers = Await<JobStore::Each<JobRecord>>(
      [&](const auto& done) { store_->Submit(std::move(jobs), done); });
  ASSERT_TRUE(answers.ok());
  for (const auto& answer : *answers) {
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->id, answers->front()->id);
  }
  EXPECT_EQ(store().Outbox().size(), 1u);
}

TEST_P(JobStoreConformance, AnswersAKeyOfADeletedJobWithJobDeletedForADay) {
  const JobRecord job = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  ASSERT_TRUE(store().Cancel(job.id).ok());
  ASSERT_TRUE(store().Delete(job.id).ok());
  const auto again = store().Submit(WithKey(NewJob(), "order-1", "hash"));
  EXPECT_TRUE(absl::IsFailedPrecondition(again.status()));
  EXPECT_EQ(ErrorReason(again.status()), "JOB_DELETED");

  clock_.Advance(absl::Hours(23));
  store().RunTimers();
  EXPECT_EQ(ErrorReason(store().Submit(WithKey(NewJob(), "order-1", "hash")).status()),
            "JOB_DELETED");

  clock_.Advance(absl::Hours(1));
  store().RunTimers();
  const auto fresh = store().Submit(WithKey(NewJob(), "order-1", "another"));
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_NE(fresh->id, job.id);
}

TEST_P(JobStoreConformance, MakesANewJobOfAKeyThatWasReleased) {
  const JobRecord ended = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  EXPECT_EQ(ErrorReason(store().ReleaseKey("order-1")), "JOB_NOT_FINISHED");
  store().MustClaim(ended.id);
  EXPECT_TRUE(absl::IsFailedPrecondition(store().ReleaseKey("order-1")));
  ASSERT_TRUE(store().Cancel(ended.id, /*force=*/true).ok());
  const JobRecord before = store().MustGet(ended.id);
  ASSERT_TRUE(store().ReleaseKey("order-1").ok());
  const JobRecord after = store().MustGet(ended.id);
  EXPECT_EQ(after.spec->idempotency_key(), "");
  EXPECT_EQ(after.revision, before.revision);
  EXPECT_EQ(after.spec->payload_content_type(), before.spec->payload_content_type());

  const JobRecord fresh = store().MustSubmit(WithKey(NewJob(), "order-1", "another"));
  EXPECT_NE(fresh.id, ended.id);
  // The end of the old one leaves the key to the new one.
  ASSERT_TRUE(store().Delete(ended.id).ok());
  EXPECT_EQ(store().MustSubmit(WithKey(NewJob(), "order-1", "another")).id, fresh.id);
  ASSERT_TRUE(store().Cancel(fresh.id).ok());
  ASSERT_TRUE(store().Delete(fresh.id).ok());
  ASSERT_TRUE(store().ReleaseKey("order-1").ok()) << "its job was deleted";
  EXPECT_TRUE(store().Submit(WithKey(NewJob(), "order-1", "hash")).ok());
  ExpectConsistent();
}

TEST_P(JobStoreConformance, ReleasesNoKeyThatNobodyOrAnotherTenantUsed) {
  EXPECT_EQ(ErrorReason(store().ReleaseKey("order-1")), "KEY_NOT_FOUND");
  auto job = WithKey(NewJob(), "order-1", "hash");
  job.set_tenant("other");
  store().MustSubmit(job);
  EXPECT_TRUE(absl::IsNotFound(store().ReleaseKey("order-1")));
}

TEST_P(JobStoreConformance, KeepsTheKeyOfAJobThatLivesLongerThanADay) {
  const JobRecord job = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  clock_.Advance(absl::Hours(48));
  store().RunTimers();
  const JobRecord again = store().MustSubmit(WithKey(NewJob(), "order-1", "hash"));
  EXPECT_EQ(again.id, job.id);
}

TEST_P(JobStoreConformance, DoesNotRememberTheKeyOfARefusedJob) {
  settings_.max_waiting = 1;
  Reopen();
  const JobRecord waiting = Queued();
  ASSERT_FALSE(store().Submit(WithKey(NewJob(), "order-1", "hash")).ok());
  store().MustClaim(waiting.id);
  EXPECT_TRUE(store().Submit(WithKey(NewJob(), "order-1", "another")).ok());
}

TEST_P(JobStoreConformance, RefusesJobsBeyondTheLimitOfAllWaiting) {
  settings_.max_waiting = 3;
  Reopen();
  std::vector<internal::v1::NewJob> jobs(5);
  for (auto& job : jobs) job = NewJob();
  jobs[0].mutable_delay()->set_seconds(60);  // SCHEDULED counts too.
  const auto answers = Await<JobStore::Each<JobRecord>>(
      [&](const auto& done) { store_->Submit(std::move(jobs), done); });
  ASSERT_TRUE(answers.ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE((*answers)[i].ok());
  for (int i = 3; i < 5; ++i) {
    const absl::Status refused = (*answers)[i].status();
    EXPECT_TRUE(absl::IsUnavailable(refused));
    EXPECT_EQ(ErrorReason(refused), "STORE_FULL");
    EXPECT_TRUE(ErrorRetryAfter(refused).has_value());
  }
  EXPECT_EQ(store_->Space().refused[Refusal::kWaitingJobs], 2);
  // One that starts makes room for another.
  store().MustClaim(store().Outbox().front());
  EXPECT_TRUE(store().Submit(NewJob()).ok());
  EXPECT_FALSE(store().Submit(NewJob()).ok());
}

TEST_P(JobStoreConformance, TellsHowMuchRoomThereIs) {
  settings_.max_waiting = 3;
  Reopen();
  Queued();
  const StoreSpace space = store_->Space();
  EXPECT_EQ(space.waiting, 1);
  EXPECT_EQ(space.max_waiting, 3);
  EXPECT_GT(space.disk_free.value_or(1), 0);
  EXPECT_FALSE(space.disk_full);
  EXPECT_EQ(space.refused, (std::map<Refusal, int64_t>{{Refusal::kWaitingJobs, 0},
                                                       {Refusal::kDiskLow, 0},
                                                       {Refusal::kDiskFull, 0},
                                                       {Refusal::kQueueFull, 0}}));
}

TEST_P(JobStoreConformance, RefusesJobsBeyondTheLimitOfTheirQueueOnly) {
  settings_.max_waiting_by_queue = {{"photos", 1}};
  Reopen();
  auto photo = NewJob();
  photo.set_queue("photos");
  store().MustSubmit(photo);
  photo.set_id(std::string(JobId::Make(clock_.Now()).bytes()));
  const absl::Status refused = store().Submit(photo).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(ErrorReason(refused), "QUEUE_FULL");
  EXPECT_TRUE(ErrorRetryAfter(refused).has_value());
  EXPECT_EQ(store_->Space().refused[Refusal::kQueueFull], 1);
  EXPECT_TRUE(store().Submit(NewJob()).ok());
}

TEST_P(JobStoreConformance, AnswersAKnownJobWhenFull) {
  settings_.max_waiting = 1;
  Reopen();
  const auto job = WithKey(NewJob(), "order-1", "hash");
  store().MustSubmit(job);
  EXPECT_TRUE(store().Submit(job).ok());
  EXPECT_TRUE(store().Submit(WithKey(NewJob(), "order-1", "hash")).ok());
  EXPECT_EQ(store_->Space().refused[Refusal::kWaitingJobs], 0);
}

TEST_P(JobStoreConformance, RefusesWritesBeyondItsBoundAtOnce) {
  settings_.max_pending_writes = 10;
  Reopen();
  std::vector<internal::v1::NewJob> jobs(11);
  for (auto& job : jobs) job = NewJob();
  const auto answers = Await<JobStore::Each<JobRecord>>(
      [&](const auto& done) { store_->Submit(std::move(jobs), done); });
  EXPECT_TRUE(absl::IsUnavailable(answers.status()));
  EXPECT_TRUE(ErrorRetryAfter(answers.status()).has_value());
  EXPECT_TRUE(AllJobs().empty());
}

// While one commit is under way the next calls gather, and share the one after.
TEST_P(JobStoreConformance, CommitsManyCallsTogether) {
  std::atomic<int> commits = 0;
  std::atomic<int> writes = 0;
  settings_.on_commit = [&](int count) {
    ++commits;
    writes += count;
  };
  Reopen();
  constexpr int kCalls = 2000;
  testing::Watched<int> answered;
  for (int i = 0; i < kCalls; ++i) {
    store_->Submit({NewJob()}, [&](const absl::StatusOr<JobStore::Each<JobRecord>>& answer) {
      EXPECT_TRUE(answer.ok() && answer->front().ok());
      answered.Update([](int& count) { ++count; });
    });
  }
  ASSERT_TRUE(answered.Await([](int count) { return count == kCalls; }));
  EXPECT_EQ(writes, kCalls);
  EXPECT_LT(commits, kCalls / 4);
  EXPECT_EQ(store().Count(v1::Job::QUEUED), kCalls);
}

TEST_P(JobStoreConformance, AnswersEveryCallThatItTookBeforeItStops) {
  std::atomic<int> answered = 0;
  std::atomic<int> stored = 0;
  for (int i = 0; i < 500; ++i) {
    store_->Submit({NewJob()}, [&](const absl::StatusOr<JobStore::Each<JobRecord>>& answer) {
      ++answered;
      if (answer.ok() && answer->front().ok()) ++stored;
    });
  }
  Reopen();
  EXPECT_EQ(answered, 500);
  EXPECT_EQ(AllJobs().size(), static_cast<size_t>(stored));
}

TEST_P(JobStoreConformance, TakesCallsFromItsOwnCallbacks) {
  const auto found = Await<JobRecord>([&](const auto& done) {
    const auto job = NewJob();
    store_->Submit({job}, [this, done](auto answer) mutable {
      const JobId id = answer->front()->id;
      store_->Get(BlockingStore::kTenant, id, [this, done, id](const auto&) mutable {
        store_->Cancel(BlockingStore::kTenant, id, /*force=*/false, done);
      });
    });
  });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->state, v1::Job::CANCELLED);
}

}  // namespace
}  // namespace buzzer::state
