// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_STORE_H_
#define SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "services/state/job/job_lifecycle.h"
#include "services/state/store/job_store.h"
#include "services/state/store/sqlite/store_writer.h"

namespace buzzer::state {

struct SqliteJobStoreOptions {
  // Created if it does not exist. One process at a time: the directory is locked.
  std::string directory;
  // Not owned.
  const Clock* clock = Clock::Real();
  // Another in tests.
  JitterDraw jitter = DrawJitter;
  AdmissionLimits limits;
  // Writes (jobs, claims, outcomes, ...) that may wait for their commit. Beyond it a
  // call is refused with UNAVAILABLE STORE_BUSY.
  int max_pending_writes = 50'000;
  // Told of each commit: how many writes it carried and how long it took. Runs on
  // the writer thread.
  std::function<void(int writes, absl::Duration took)> on_commit;
};

// Opens the store: locks the directory, migrates the schema, starts a writer and a
// reader thread. FAILED_PRECONDITION if another process has the directory (the
// message says which).
absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteJobStore(SqliteJobStoreOptions options);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_STORE_H_
