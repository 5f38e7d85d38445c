// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_ROWS_JOB_READER_H_
#define SERVICES_STATE_STORE_SQLITE_ROWS_JOB_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/state/store/job_rows.h"
#include "services/state/store/sqlite/file/database.h"

namespace buzzer::state {

// Reads jobs out of their rows, for both connections. Lives on the database's thread.
class JobReader {
 public:
  // Not owned.
  explicit JobReader(Database* database);

  // With history and payload, as far as they lie in the row; nullopt: there is no such job.
  std::optional<JobRow> Find(const JobId& id);
  std::string FindPayload(const JobRow& row);
  std::string FindResult(const JobRow& row);
  // The newest kMaxHistory lines of them that are above the revision.
  std::vector<HistoryEntry> FindHistory(const JobRow& row, int64_t after_revision);

  // The number of the job's row, whether or not the job is still there: of one that is not, the
  // first that it could have had.
  int64_t FindNumber(const JobId& id);

  // A query of whole jobs but for their history and payload. `tables` has the jobs as j; `where` is
  // what follows them. Read gives the job of the row on which it stands.
  Statement PrepareScan(absl::string_view tables, absl::string_view where);
  static JobRecord Read(const Statement& scan);

 private:
  Database* const database_;
  Statement find_;
  Statement find_number_;
  Statement payload_;
  Statement result_;
  Statement inside_result_;
  Statement pieces_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_ROWS_JOB_READER_H_
