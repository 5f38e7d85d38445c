// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_OPEN_STORE_H_
#define SERVICES_STATE_OPEN_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/state/steps/batching_job_store.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Opens the jobs in `directory`: locks it, migrates the schema, starts a writer and a reader
// thread. FAILED_PRECONDITION if another process has the directory (the message says which).
absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteJobStore(std::string directory,
                                                             JobStoreOptions options);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_OPEN_STORE_H_
