// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/open_store.h"

#include <utility>

#include "services/state/store/sqlite/sqlite_job_database.h"

namespace buzzer::state {

absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteJobStore(std::string directory,
                                                             JobStoreOptions options) {
  auto database = OpenSqliteJobDatabase(std::move(directory));
  if (!database.ok()) return database.status();
  return StartJobStore(*std::move(database), std::move(options));
}

}  // namespace buzzer::state
