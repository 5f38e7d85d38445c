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
#include "services/state/steps/admission.h"
#include "services/state/steps/count_table.h"
#include "services/state/steps/job_steps.h"
#include "services/state/steps/store_calls.h"
#include "services/state/store/job_database.h"
#include "services/state/store/job_store.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {

// The real store without its threads: calls wait until Settle, which does them in their order
// and tells observers and callbacks. For one thread.
class DirectStore final : public StoreCalls {
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
  void ReadCounts(Callback<std::vector<QueueCounts>> done) override { done(counts_.Snapshot()); }
  StoreSpace Space() const override { return {}; }

 private:
  void Enqueue(PendingWrite write) override;
  void Enqueue(PendingRead read) override;

  testing::TemporaryDirectory directory_;
  CountTable counts_;
  RefusalCounts refused_;
  std::unique_ptr<JobDatabase> database_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<JobSteps> steps_;
  std::unique_ptr<JobQueries> queries_;
  std::vector<CommitObserver*> observers_;
  std::deque<std::function<void()>> asked_;
};

}  // namespace buzzer::state

#endif  // TESTS_FUZZ_SUPPORT_DIRECT_STORE_H_
