// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_JOB_ROWS_H_
#define SERVICES_STATE_STORE_SQLITE_JOB_ROWS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "services/state/job/job_record.h"
#include "services/state/store/job_store.h"
#include "services/state/store/sqlite/database.h"

namespace buzzer::state {

// Reads and writes job records on one connection. Lives on its thread; errors stick
// to the database.
class JobRows {
 public:
  explicit JobRows(Database* database);

  std::optional<JobRecord> Find(const JobId& id);
  bool Exists(const JobId& id);
  std::string FindPayload(int64_t row);
  std::vector<HistoryEntry> FindHistory(int64_t row, int64_t after_revision);

  // Calls `visit` with each job that a query selects, until it returns false. The
  // query is `kSelectJob` (below) with its own FROM ... WHERE behind.
  void Scan(Statement& query, const std::function<bool(JobRecord)>& visit);
  Statement PrepareScan(absl::string_view where);

 private:
  Database* const database_;
  Statement find_;
  Statement find_row_;
  Statement find_payload_;
  Statement find_history_;
};

// The writing half, for the one connection that writes.
class JobRowsWriter {
 public:
  explicit JobRowsWriter(Database* database);

  // Sets `job.row`.
  void Insert(JobRecord& job, absl::string_view payload);
  void Update(const JobRecord& job);
  // What of it never changes but for an idempotency key that is taken from it.
  void UpdateSpec(const JobRecord& job);
  // Everything of the job but its idempotency key.
  void Delete(const JobRecord& job);
  void InsertHistory(int64_t row, const HistoryEntry& entry);
  void PutResult(int64_t row, const internal::v1::Success& success);
  void DeleteResult(int64_t row);
  void PutProgress(int64_t row, const ProgressRecord& progress);
  void InsertOutbox(const JobRecord& job);
  void DeleteOutbox(const JobRecord& job, int64_t position);

 private:
  void BindMutable(Statement& statement, int first, const JobRecord& job);

  Database* const database_;
  Statement insert_job_;
  Statement insert_submission_;
  Statement insert_label_;
  Statement update_job_;
  Statement update_spec_;
  Statement insert_history_;
  Statement prune_history_;
  Statement put_result_;
  Statement put_progress_;
  Statement insert_outbox_;
  Statement delete_outbox_;
  Statement delete_result_;
  Statement delete_label_;
  std::vector<Statement> delete_rows_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_JOB_ROWS_H_
