// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_MIGRATIONS_MIGRATIONS_H_
#define SERVICES_STATE_STORE_SQLITE_MIGRATIONS_MIGRATIONS_H_

#include "absl/status/status.h"
#include "services/state/store/sqlite/file/database.h"

namespace buzzer::state {

// Brings the database to the newest schema: runs, each in a transaction, the
// numbered files of services/state/store/sqlite/migrations that it has not seen, and
// then what SQL cannot do (one_row.h), in many transactions. Stopped anywhere, it goes on
// where it was.
// FAILED_PRECONDITION if it was written by a newer Buzzer.
absl::Status Migrate(Database& database);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_MIGRATIONS_MIGRATIONS_H_
