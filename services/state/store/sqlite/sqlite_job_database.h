// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_DATABASE_H_
#define SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_DATABASE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/state/store/job_database.h"

namespace buzzer::state {

// Jobs in one SQLite database in `directory`, which is created if it does not exist and locked for
// as long as the result lives. FAILED_PRECONDITION if another process has it (the message says
// which).
absl::StatusOr<std::unique_ptr<JobDatabase>> OpenSqliteJobDatabase(std::string directory);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_DATABASE_H_
