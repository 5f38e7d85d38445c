// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_CONFORMANCE_JOB_STORE_CONFORMANCE_H_
#define TESTS_CONFORMANCE_JOB_STORE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/job/job_lifecycle.h"
#include "services/state/store/job_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/blocking_store.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {

// What the suite asks of a store that it opens. `jitter` takes nothing off a delay.
struct StoreSettings {
  const Clock* clock = nullptr;
  JitterDraw jitter = [] { return 0.0; };
  int64_t max_waiting = 2'000'000;
  std::map<std::string, int64_t> max_waiting_by_queue;
  int max_pending_writes = 50'000;
  // Told of each commit: how many writes it carried.
  std::function<void(int writes)> on_commit;
};

// One implementation of JobStore, for INSTANTIATE_TEST_SUITE_P.
struct StoreKind {
  std::string name;
  // Opens the store that lives in the directory, or makes it.
  std::function<absl::StatusOr<std::unique_ptr<JobStore>>(const std::string& directory,
                                                          const StoreSettings& settings)>
      open;

  friend void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }
};

// Keeps what the store tells. Thread-safe.
class CommitLog final : public CommitObserver {
 public:
  void OnCommit(const std::vector<JobChange>& changes) override;
  std::vector<JobChange> changes() const;
  // Those of one job.
  std::vector<JobChange> ChangesOf(const JobId& job) const;

 private:
  mutable Mutex mutex_;
  std::vector<JobChange> changes_ ABSL_GUARDED_BY(mutex_);
};

// What every JobStore promises, whatever it is built on. The *_conformance.cc files hold
// the tests; a store's own test file instantiates them all:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance, ::testing::Values(...), KindName);
class JobStoreConformance : public ::testing::TestWithParam<StoreKind> {
 protected:
  JobStoreConformance();
  void SetUp() override { Open(); }

  void Open();
  // Closes the store and opens it again, as a restart does.
  void Reopen();

  internal::v1::NewJob NewJob() const { return MakeNewJob(clock_.Now()); }
  BlockingStore store() const { return BlockingStore(store_.get()); }
  // Submits a job of no particular kind.
  JobRecord Queued() { return store().MustSubmit(NewJob()); }
  // The same a millisecond after the last, so that ids are in the order of submits.
  JobRecord SubmitLater(const std::function<void(internal::v1::NewJob&)>& change = {});

  // Counts equal a recount of every job, the outbox holds exactly the QUEUED ones, and
  // histories rise.
  void ExpectConsistent();
  // Every job of both tenants that the tests use.
  std::vector<JobRecord> AllJobs();

  testing::FakeClock clock_;
  StoreSettings settings_;
  testing::TemporaryDirectory directory_;
  CommitLog log_;
  std::unique_ptr<JobStore> store_;
};

inline std::string KindName(const ::testing::TestParamInfo<StoreKind>& info) {
  return info.param.name;
}

}  // namespace buzzer::state

#endif  // TESTS_CONFORMANCE_JOB_STORE_CONFORMANCE_H_
