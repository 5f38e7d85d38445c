// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_MIGRATIONS_ONE_ROW_H_
#define SERVICES_STATE_STORE_SQLITE_MIGRATIONS_ONE_ROW_H_

#include "absl/status/statusor.h"
#include "services/state/store/sqlite/file/database.h"

namespace buzzer::state {

// The second half of migration 4: brings jobs that lie in the tables of schema 3 (old_jobs and so
// on) into rows of their own, some thousand in each transaction, and drops those tables after the
// last. Whoever is stopped between two transactions goes on where it was.
//
// One transaction.
struct MovedJobs {
  int jobs = 0;
  // There is nothing left to do.
  bool done = false;
};
absl::StatusOr<MovedJobs> MoveSomeJobs(Database& database);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_MIGRATIONS_ONE_ROW_H_
