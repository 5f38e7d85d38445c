// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_SUPPORT_DIRECT_STORE_H_
#define TESTS_FUZZ_SUPPORT_DIRECT_STORE_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock/clock.h"
#include "services/state/store/job_store.h"
#include "services/state/store/sqlite/count_table.h"
#include "services/state/store/sqlite/store_reader.h"
#include "services/state/store/sqlite/store_writer.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {

// The real store without its threads: calls wait until Settle, which does them in their order
// and tells observers and callbacks. For one thread.
class DirectStore final : public JobStore {
 public:
  // Not owned. Its database is a new one in a directory of its own.
  explicit DirectStore(const Clock* clock);
  ~DirectStore() override;

  // Does what was asked, and what callbacks and observers ask meanwhile.
  void Settle();
  // What was asked and not done is forgotten, and nobody is told any more.
  void Forget();

  void AddObserver(CommitObserver* observer) override { observers_.push_back(observer); }
  void RemoveObservers() { observers_.clear(); }
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
  std::vector<QueueCounts> Counts() const override { return counts_.Snapshot(); }
  StoreSpace Space() const override { return {}; }

 private:
  // `apply(writer)` in a transaction of its own.
  template <typename T, typename Apply>
  void Write(Apply apply, Callback<T> done);
  // `query(reader)`.
  template <typename T, typename Query>
  void Read(Query query, Callback<T> done);

  testing::TemporaryDirectory directory_;
  CountTable counts_;
  RefusalCounts refused_;
  std::unique_ptr<StoreWriter> writer_;
  std::unique_ptr<StoreReader> reader_;
  std::vector<CommitObserver*> observers_;
  std::deque<std::function<void()>> asked_;
};

}  // namespace buzzer::state

#endif  // TESTS_FUZZ_SUPPORT_DIRECT_STORE_H_
