// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/support/direct_store.h"

#include <utility>

#include "services/state/store/sqlite/sqlite_job_database.h"
#include "tests/fuzz/support/check.h"

namespace buzzer::state {

DirectStore::DirectStore(const Clock* clock) {
  auto database = OpenSqliteJobDatabase(directory_.path());
  FUZZ_CHECK(database.ok());
  database_ = *std::move(database);
  AdmissionLimits limits;
  limits.min_free_disk = 0;
  admission_ = std::make_unique<Admission>(
      limits, clock, [] { return std::nullopt; }, &refused_);
  auto rows = database_->OpenRows(/*after_fault=*/false);
  FUZZ_CHECK(rows.ok());
  steps_ = std::make_unique<JobSteps>(
      *std::move(rows), JobSteps::Parts{clock, [] { return 0.0; }, admission_.get(), &counts_});
  FUZZ_CHECK(steps_->Open().ok());
  auto queries = database_->OpenQueries();
  FUZZ_CHECK(queries.ok());
  queries_ = *std::move(queries);
}

DirectStore::~DirectStore() = default;

void DirectStore::Settle() {
  while (!asked_.empty()) {
    const auto next = std::move(asked_.front());
    asked_.pop_front();
    next();
  }
}

void DirectStore::Forget() { asked_.clear(); }

void DirectStore::Enqueue(PendingWrite write) {
  asked_.push_back([this, write = std::move(write)] {
    steps_->Begin(write.needs);
    write.apply(*steps_);
    const absl::Status committed = steps_->Commit();
    // Nothing that comes from outside makes the database fail.
    FUZZ_CHECK_SEEN(committed.ok(), committed.message());
    const std::vector<JobChange> changes = steps_->changes();
    steps_->ForgetChanges();
    if (!changes.empty()) {
      for (CommitObserver* observer : observers_) observer->OnCommit(changes);
    }
    write.done(committed);
  });
}

void DirectStore::Enqueue(PendingRead read) {
  asked_.push_back([this, read = std::move(read)] { read.run(*queries_); });
}

}  // namespace buzzer::state
