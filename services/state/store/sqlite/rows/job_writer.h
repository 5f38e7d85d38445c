// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_ROWS_JOB_WRITER_H_
#define SERVICES_STATE_STORE_SQLITE_ROWS_JOB_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "services/state/store/job_rows.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/rows/job_numbers.h"

namespace buzzer::state {

// Writes jobs into their rows, and what belongs to them beside these, in the transaction of the
// caller. For the one connection that writes, on its thread.
class JobWriter {
 public:
  // What is larger lies in a table of its own: a row that fits into a page with others is
  // rewritten at each step.
  static constexpr size_t kMaxInside = 1024;
  // More history than this goes aside.
  static constexpr int kMaxLinesInside = 16;
  static constexpr size_t kMaxHistoryInside = 2048;

  // Not owned.
  explicit JobWriter(Database* database);

  void Write(JobWrite& write);
  // The counts of all that was written: last in a transaction.
  void WriteCounts();
  // After a rollback: nothing of what was written is there.
  void Forget();

 private:
  void Insert(JobWrite& write);
  void Update(JobWrite& write);
  void Delete(JobRow& row);
  void PutAside(JobRow& row);
  void PutProgress(const JobRow& row);
  void PutResult(const JobWrite& write);
  void PutLabels(const JobRow& row);
  void Count(const JobRecord& job, JobState state, int64_t delta);

  Database* const database_;
  JobNumbers numbers_;
  // Since the last WriteCounts, by kind and state.
  std::map<std::pair<int64_t, int>, int64_t> deltas_;
  // Of one write; kept for its room.
  std::string packed_;

  Statement insert_;
  Statement update_;
  Statement update_timed_;
  Statement update_record_;
  Statement update_result_;
  Statement update_spec_;
  Statement delete_;
  Statement insert_payload_;
  Statement put_result_;
  Statement put_progress_;
  Statement insert_piece_;
  Statement first_piece_;
  Statement delete_piece_;
  Statement insert_label_;
  Statement delete_label_;
  Statement delete_payload_;
  Statement delete_result_;
  Statement delete_progress_;
  Statement delete_history_;
  Statement add_count_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_ROWS_JOB_WRITER_H_
