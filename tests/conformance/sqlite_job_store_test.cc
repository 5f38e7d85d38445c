// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/open_store.h"
#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

absl::StatusOr<std::unique_ptr<JobStore>> OpenSqlite(const std::string& directory,
                                                     const StoreSettings& settings) {
  JobStoreOptions options;
  options.clock = settings.clock;
  options.jitter = settings.jitter;
  options.limits.max_waiting = settings.max_waiting;
  options.limits.max_waiting_by_queue = settings.max_waiting_by_queue;
  options.limits.min_free_disk = 0;
  options.max_pending_writes = settings.max_pending_writes;
  if (settings.on_commit) {
    options.on_commit = [tell = settings.on_commit](int writes, absl::Duration) { tell(writes); };
  }
  return OpenSqliteJobStore(directory, std::move(options));
}

INSTANTIATE_TEST_SUITE_P(All, JobStoreConformance,
                         ::testing::Values(StoreKind{"Sqlite", OpenSqlite}), KindName);

}  // namespace
}  // namespace buzzer::state
