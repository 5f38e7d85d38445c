// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_STATE_FORWARDING_STORE_H_
#define TESTS_UNIT_SERVICES_STATE_FORWARDING_STORE_H_

#include <string>
#include <utility>
#include <vector>

#include "services/state/store/job_store.h"

namespace buzzer::state {

// Passes every call on to another store: for tests that come between in some. Thread-safe.
class ForwardingStore : public JobStore {
 public:
  // Not owned.
  explicit ForwardingStore(JobStore* to) : to_(to) {}

  void AddObserver(CommitObserver* observer) override { to_->AddObserver(observer); }
  void Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) override {
    to_->Submit(std::move(jobs), std::move(done));
  }
  void Claim(std::vector<ClaimRequest> claims, Callback<std::vector<ClaimResult>> done) override {
    to_->Claim(std::move(claims), std::move(done));
  }
  void Finish(std::vector<OutcomeReport> outcomes, Callback<std::vector<bool>> done) override {
    to_->Finish(std::move(outcomes), std::move(done));
  }
  void ReportProgress(std::vector<ProgressReport> reports, Callback<bool> done) override {
    to_->ReportProgress(std::move(reports), std::move(done));
  }
  void LoseLeases(std::vector<LeaseLoss> losses, Callback<bool> done) override {
    to_->LoseLeases(std::move(losses), std::move(done));
  }
  void Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) override {
    to_->Cancel(std::move(tenant), job, force, std::move(done));
  }
  void Retry(std::string tenant, JobId job, Callback<JobRecord> done) override {
    to_->Retry(std::move(tenant), job, std::move(done));
  }
  void Delete(std::string tenant, JobId job, Callback<bool> done) override {
    to_->Delete(std::move(tenant), job, std::move(done));
  }
  void ReleaseKey(std::string tenant, std::string key, Callback<bool> done) override {
    to_->ReleaseKey(std::move(tenant), std::move(key), std::move(done));
  }
  void RunTimers(int limit, Callback<TimerResult> done) override {
    to_->RunTimers(limit, std::move(done));
  }
  void ShiftRetries(absl::Duration step, Callback<bool> done) override {
    to_->ShiftRetries(step, std::move(done));
  }
  void SetPaused(std::string queue, bool paused, Callback<bool> done) override {
    to_->SetPaused(std::move(queue), paused, std::move(done));
  }
  void SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) override {
    to_->SaveTypes(std::move(types), std::move(done));
  }
  void Get(std::string tenant, JobId job, Callback<JobRecord> done) override {
    to_->Get(std::move(tenant), job, std::move(done));
  }
  void GetFull(std::string tenant, JobId job, Callback<FullJob> done) override {
    to_->GetFull(std::move(tenant), job, std::move(done));
  }
  void GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                   Callback<WatchStart> done) override {
    to_->GetForWatch(std::move(tenant), job, after_revision, std::move(done));
  }
  void GetResult(std::string tenant, JobId job, Callback<StoredResult> done) override {
    to_->GetResult(std::move(tenant), job, std::move(done));
  }
  void List(ListQuery query, Callback<ListPage> done) override {
    to_->List(std::move(query), std::move(done));
  }
  void ReadOutbox(Lane lane, int64_t after, int limit,
                  Callback<std::vector<OutboxEntry>> done) override {
    to_->ReadOutbox(std::move(lane), after, limit, std::move(done));
  }
  void ReadActive(Callback<std::vector<JobRecord>> done) override {
    to_->ReadActive(std::move(done));
  }
  void ReadTypes(Callback<std::vector<TypeRecord>> done) override {
    to_->ReadTypes(std::move(done));
  }
  void ReadPausedQueues(Callback<std::vector<std::string>> done) override {
    to_->ReadPausedQueues(std::move(done));
  }
  void ReadOldestReady(std::vector<std::string> queues,
                       Callback<std::vector<std::optional<absl::Time>>> done) override {
    to_->ReadOldestReady(std::move(queues), std::move(done));
  }
  void ReadCounts(Callback<std::vector<QueueCounts>> done) override {
    to_->ReadCounts(std::move(done));
  }
  StoreSpace Space() const override { return to_->Space(); }

 private:
  JobStore* const to_;
};

}  // namespace buzzer::state

#endif  // TESTS_UNIT_SERVICES_STATE_FORWARDING_STORE_H_
