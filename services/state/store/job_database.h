// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_JOB_DATABASE_H_
#define SERVICES_STATE_STORE_JOB_DATABASE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/state/store/job_queries.h"
#include "services/state/store/job_rows.h"

namespace buzzer::state {

// A database that keeps jobs: what a second kind of store has to bring.
class JobDatabase {
 public:
  virtual ~JobDatabase() = default;

  // Makes or migrates the schema if need be. `after_fault`: another connection broke before, and
  // its last commit is in doubt; from now on it is surely kept or surely not. One at a time.
  virtual absl::StatusOr<std::unique_ptr<JobRows>> OpenRows(bool after_fault) = 0;
  // After OpenRows.
  virtual absl::StatusOr<std::unique_ptr<JobQueries>> OpenQueries() = 0;

  // Bytes that are free where it keeps the jobs; nullopt if nobody can tell. Thread-safe.
  virtual std::optional<int64_t> FreeSpace() const = 0;

  // A write is about to come (of a monotonic clock): a store may get ready for it. Must not
  // block. Thread-safe.
  virtual void ExpectWrite(absl::Duration now) = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_JOB_DATABASE_H_
