// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_STORE_CALLS_H_
#define SERVICES_STATE_STEPS_STORE_CALLS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/state/steps/job_steps.h"
#include "services/state/store/job_queries.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// A call waiting for the next transaction: `apply` runs in it, `done` after its end.
struct PendingWrite {
  int writes = 1;
  StepNeeds needs;
  std::function<void(JobSteps&)> apply;
  std::function<void(const absl::Status&)> done;
};

// A call that only reads: one of the two, once.
struct PendingRead {
  std::function<void(JobQueries&)> run;
  std::function<void(const absl::Status&)> refuse;
};

// What each call of a JobStore means in steps and queries. Who derives from it says when, and on
// which thread, they are done. Thread-safe if that is.
class StoreCalls : public JobStore {
 public:
  void Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) override;
  void Claim(std::vector<ClaimRequest> claims, Callback<std::vector<ClaimResult>> done) override;
  void Finish(std::vector<OutcomeReport> outcomes, Callback<std::vector<bool>> done) override;
  void ReportProgress(std::vector<ProgressReport> reports, Callback<bool> done) override;
  void LoseLeases(std::vector<LeaseLoss> losses, Callback<bool> done) override;
  void Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) override;
  void Retry(std::string tenant, JobId job, Callback<JobRecord> done) override;
  void Delete(std::string tenant, JobId job, Callback<bool> done) override;
  void ReleaseKey(std::string tenant, std::string key, Callback<bool> done) override;
  void RunTimers(int limit, Callback<TimerResult> done) override;
  void ShiftRetries(absl::Duration step, Callback<bool> done) override;
  void SetPaused(std::string queue, bool paused, Callback<bool> done) override;
  void SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) override;
  void Get(std::string tenant, JobId job, Callback<JobRecord> done) override;
  void GetFull(std::string tenant, JobId job, Callback<FullJob> done) override;
  void GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                   Callback<WatchStart> done) override;
  void GetResult(std::string tenant, JobId job, Callback<StoredResult> done) override;
  void List(ListQuery query, Callback<ListPage> done) override;
  void ReadOutbox(Lane lane, int64_t after, int limit,
                  Callback<std::vector<OutboxEntry>> done) override;
  void ReadActive(Callback<std::vector<JobRecord>> done) override;
  void ReadTypes(Callback<std::vector<TypeRecord>> done) override;
  void ReadPausedQueues(Callback<std::vector<std::string>> done) override;
  void ReadOldestReady(std::vector<std::string> queues,
                       Callback<std::vector<std::optional<absl::Time>>> done) override;

 protected:
  // Does it in the next transaction, or calls its `done` with why not.
  virtual void Enqueue(PendingWrite write) = 0;
  virtual void Enqueue(PendingRead read) = 0;

 private:
  template <typename T, typename Apply>
  void Write(int writes, StepNeeds needs, Apply apply, Callback<T> done);
  template <typename T, typename Query>
  void Read(Query query, Callback<T> done);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_STORE_CALLS_H_
