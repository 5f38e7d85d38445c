// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_ROWS_H_
#define SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_ROWS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/state/store/job_rows.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/rows/job_reader.h"
#include "services/state/store/sqlite/rows/job_writer.h"

namespace buzzer::state {

// See JobRows. Owns the one connection that writes and checkpoints.
class SqliteJobRows final : public JobRows {
 public:
  explicit SqliteJobRows(std::unique_ptr<Database> database);

  void Begin() override;
  void Load(const std::vector<JobId>& jobs, absl::FunctionRef<void(JobRow)> take) override;
  std::vector<std::optional<KeyRecord>> LoadKeys(const std::vector<KeyName>& keys) override;
  std::string LoadPayload(const JobRow& row) override { return reader_.FindPayload(row); }
  std::vector<JobId> FindDue(absl::Time now, int limit) override;
  std::optional<absl::Time> NextWake() override;
  std::vector<JobId> FindRetrying(std::optional<JobId> after, int limit) override;
  void Write(WriteSet& writes) override;
  CommitResult Commit() override;
  const absl::Status& status() const override { return database_->status(); }
  bool broken() const override { return database_->broken(); }
  absl::StatusOr<StoreSummary> Summarize() override;

 private:
  void WriteKey(const KeyWrite& key);

  const std::unique_ptr<Database> database_;
  JobWriter writer_;
  JobReader reader_;
  Statement due_;
  Statement next_wake_;
  Statement retrying_;
  Statement find_key_;
  Statement put_key_;
  Statement delete_key_;
  Statement forget_keys_;
  Statement put_type_;
  Statement forget_types_;
  Statement pause_;
  Statement resume_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_ROWS_H_
