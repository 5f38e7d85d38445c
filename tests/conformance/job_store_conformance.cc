// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/conformance/job_store_conformance.h"

#include <set>
#include <utility>

namespace buzzer::state {
namespace {

constexpr const char* kTenants[] = {BlockingStore::kTenant, "other"};

}  // namespace

void CommitLog::OnCommit(const std::vector<JobChange>& changes) {
  MutexLock lock(&mutex_);
  changes_.insert(changes_.end(), changes.begin(), changes.end());
}

std::vector<JobChange> CommitLog::changes() const {
  MutexLock lock(&mutex_);
  return changes_;
}

std::vector<JobChange> CommitLog::ChangesOf(const JobId& job) const {
  MutexLock lock(&mutex_);
  std::vector<JobChange> found;
  for (const JobChange& change : changes_) {
    if (change.job.id == job) found.push_back(change);
  }
  return found;
}

JobStoreConformance::JobStoreConformance() { settings_.clock = &clock_; }

void JobStoreConformance::Open() {
  auto store = GetParam().open(directory_.path(), settings_);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  store_->AddObserver(&log_);
}

void JobStoreConformance::Reopen() {
  store_.reset();
  Open();
}

JobRecord JobStoreConformance::SubmitLater(
    const std::function<void(internal::v1::NewJob&)>& change) {
  clock_.Advance(absl::Milliseconds(1));
  internal::v1::NewJob job = NewJob();
  if (change) change(job);
  return store().MustSubmit(std::move(job));
}

std::vector<JobRecord> JobStoreConformance::AllJobs() {
  std::vector<JobRecord> jobs;
  for (const char* tenant : kTenants) {
    ListQuery query;
    query.tenant = tenant;
    query.page_size = 100;
    while (true) {
      const ListPage page = store().List(query);
      jobs.insert(jobs.end(), page.jobs.begin(), page.jobs.end());
      if (!page.next_before.has_value()) break;
      query.before = page.next_before;
    }
  }
  return jobs;
}

void JobStoreConformance::ExpectConsistent() {
  std::map<std::tuple<std::string, std::string, int>, int64_t> recount;
  std::map<Lane, std::set<JobId>> queued;
  for (const JobRecord& job : AllJobs()) {
    ++recount[{job.queue, job.tenant(), job.state}];
    if (job.state == v1::Job::QUEUED) queued[{job.queue, job.priority()}].insert(job.id);

    const auto full = testing::Await<FullJob>(
        [&](const auto& done) { store_->GetFull(job.tenant(), job.id, done); });
    ASSERT_TRUE(full.ok()) << full.status();
    int64_t revision = 0;
    int32_t attempt = 0;
    for (const HistoryEntry& entry : full->history) {
      EXPECT_GT(entry.revision, revision);
      EXPECT_GE(entry.attempt, attempt);
      revision = entry.revision;
      attempt = entry.attempt;
    }
    EXPECT_GE(job.revision, revision);
    EXPECT_EQ(job.attempt, attempt);
    ASSERT_FALSE(full->history.empty());
    EXPECT_EQ(full->history.back().state, job.state);
    EXPECT_EQ(IsTerminal(job.state), job.ended_at.has_value());
    EXPECT_EQ(IsTerminal(job.state), job.purge_at.has_value());
    EXPECT_EQ(job.state == v1::Job::SUCCEEDED, job.result.has_value());
  }
  std::map<std::tuple<std::string, std::string, int>, int64_t> counted;
  for (const QueueCounts& row : store().Counts()) {
    for (int i = 0; i < 8; ++i) {
      if (row.by_state[i] != 0) counted[{row.queue, row.tenant, i}] = row.by_state[i];
    }
  }
  EXPECT_EQ(counted, recount);

  for (const char* queue : {"demo.echo", "photos", "mail"}) {
    for (const auto priority : {v1::Job::HIGH, v1::Job::NORMAL, v1::Job::LOW}) {
      const Lane lane{queue, priority};
      std::set<JobId> in_outbox;
      int64_t position = 0;
      for (const OutboxEntry& entry : store().ReadOutbox(lane)) {
        EXPECT_GT(entry.position, position);
        position = entry.position;
        EXPECT_TRUE(in_outbox.insert(entry.job).second);
      }
      EXPECT_EQ(in_outbox, queued[lane]) << queue << " " << priority;
    }
  }
}

}  // namespace buzzer::state
