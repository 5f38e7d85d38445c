// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/rows/job_writer.h"

#include <optional>

#include "common/job_state/job_state.h"
#include "services/state/store/sqlite/rows/job_codec.h"
#include "services/state/store/sqlite/rows/row_number.h"

namespace buzzer::state {
namespace {

// A job that waits for a retry; see JobRows::FindRetrying.
bool IsRetrying(const JobRecord& job) {
  return job.state == v1::Job::SCHEDULED && job.failed_attempts > 0;
}

void BindFlag(Statement& statement, int index, bool flag) {
  if (flag) {
    statement.Bind(index, int64_t{1});
  } else {
    statement.BindNull(index);
  }
}

void BindInside(Statement& statement, int index, const std::optional<std::string>& bytes) {
  if (bytes.has_value() && bytes->size() <= JobWriter::kMaxInside) {
    statement.BindBlob(index, *bytes);
  } else {
    statement.BindNull(index);
  }
}

// Its place in the lane, and since when it is ready: of a job that is QUEUED.
void BindPlace(Statement& statement, int first, const JobRecord& job) {
  if (job.state == v1::Job::QUEUED && job.queue_position > 0) {
    statement.Bind(first, job.queue_position);
    statement.BindTime(first + 1, job.queued_at.value_or(job.updated_at));
  } else {
    statement.BindNull(first);
    statement.BindNull(first + 1);
  }
}

}  // namespace

JobWriter::JobWriter(Database* database)
    : database_(database),
      numbers_(database),
      insert_(database_->Prepare(
          "INSERT OR IGNORE INTO jobs (row, id, kind, state, lane, position, queued_at, wake_at,"
          " retrying, record, history, spec, payload, result)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")),
      // Only the indexes of columns that a statement names are written.
      update_(database_->Prepare("UPDATE jobs SET state = ?2, position = ?3, queued_at = ?4,"
                                 " record = ?5, history = ?6 WHERE row = ?1")),
      update_timed_(database_->Prepare(
          "UPDATE jobs SET state = ?2, position = ?3, queued_at = ?4, record = ?5, history = ?6,"
          " wake_at = ?7, retrying = ?8 WHERE row = ?1")),
      update_record_(
          database_->Prepare("UPDATE jobs SET record = ?2, history = ?3 WHERE row = ?1")),
      update_result_(database_->Prepare(
          "UPDATE jobs SET state = ?2, position = ?3, queued_at = ?4, record = ?5, history = ?6,"
          " wake_at = ?7, retrying = ?8, result = ?9 WHERE row = ?1")),
      update_spec_(database_->Prepare("UPDATE jobs SET spec = ?2 WHERE row = ?1")),
      delete_(database_->Prepare("DELETE FROM jobs WHERE row = ?")),
      insert_payload_(database_->Prepare("INSERT INTO payloads (row, body) VALUES (?, ?)")),
      put_result_(database_->Prepare("INSERT OR REPLACE INTO results (row, body) VALUES (?, ?)")),
      put_progress_(database_->Prepare(
          "INSERT INTO progress (row, attempt, revision, fraction, message, data, time)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (row) DO UPDATE SET attempt = ?2,"
          " revision = ?3, fraction = ?4, message = ?5, data = ?6, time = ?7")),
      insert_piece_(database_->Prepare(
          "INSERT INTO history (row, last_revision, lines, packed) VALUES (?, ?, ?, ?)")),
      first_piece_(database_->Prepare("SELECT last_revision, lines FROM history WHERE row = ?"
                                      " ORDER BY last_revision LIMIT 1")),
      delete_piece_(database_->Prepare("DELETE FROM history WHERE row = ? AND last_revision = ?")),
      insert_label_(
          database_->Prepare("INSERT INTO labels (tenant, key, value, row) VALUES (?, ?, ?, ?)")),
      delete_label_(database_->Prepare(
          "DELETE FROM labels WHERE tenant = ? AND key = ? AND value = ? AND row = ?")),
      delete_payload_(database_->Prepare("DELETE FROM payloads WHERE row = ?")),
      delete_result_(database_->Prepare("DELETE FROM results WHERE row = ?")),
      delete_progress_(database_->Prepare("DELETE FROM progress WHERE row = ?")),
      delete_history_(database_->Prepare("DELETE FROM history WHERE row = ?")),
      add_count_(database_->Prepare("INSERT INTO counts (kind, state, jobs) VALUES (?1, ?2, ?3)"
                                    " ON CONFLICT (kind, state) DO UPDATE SET jobs = jobs + ?3")) {}

void JobWriter::Forget() {
  deltas_.clear();
  numbers_.Reload();
}

void JobWriter::Write(JobWrite& write) {
  JobRow& row = *write.row;
  if (write.deleted) {
    // One that was never written leaves nothing.
    if (!write.is_new) Delete(row);
    return;
  }
  if (write.is_new) {
    Insert(write);
  } else if (write.changed) {
    Update(write);
  }
  if (write.progressed) PutProgress(row);
  if (write.spec_changed) {
    packed_ = row.job.spec->SerializeAsString();
    update_spec_.Bind(1, row.stored.row).BindBlob(2, packed_).Run();
  }
}

void JobWriter::Insert(JobWrite& write) {
  JobRow& row = *write.row;
  const JobRecord& job = row.job;
  const std::string spec = job.spec->SerializeAsString();
  const std::optional<absl::Time> wake_at = WakeTime(job);
  Pack(row, &packed_);
  insert_.BindBlob(2, job.id.bytes());
  insert_.Bind(3, numbers_.KindOf(job));
  insert_.Bind(4, int64_t{job.state});
  insert_.Bind(5, numbers_.LaneOf(job));
  BindPlace(insert_, 6, job);
  insert_.BindTime(8, wake_at);
  BindFlag(insert_, 9, IsRetrying(job));
  insert_.BindBlob(10, packed_).BindBlob(11, row.history.bytes()).BindBlob(12, spec);
  BindInside(insert_, 13, row.payload);
  BindInside(insert_, 14, write.result);
  const int64_t first = FirstRowOf(job.id);
  int64_t number = first;
  do {
    insert_.Bind(1, number).Run();
  } while (database_->ok() && !database_->Changed() && ++number < first + kRowsOfOneNumber);
  if (number >= first + kRowsOfOneNumber) {
    return database_->Refuse("too many jobs have ids that begin alike");
  }
  row.stored = {number, job.state, wake_at, 0};
  if (row.payload.has_value() && row.payload->size() > kMaxInside) {
    insert_payload_.Bind(1, number).BindBlob(2, *row.payload).Run();
    row.payload.reset();
  }
  if (write.result.has_value()) PutResult(write);
  PutLabels(row);
  Count(job, job.state, 1);
}

void JobWriter::Update(JobWrite& write) {
  JobRow& row = *write.row;
  const JobRecord& job = row.job;
  if (row.history.lines() > kMaxLinesInside || row.history.bytes().size() > kMaxHistoryInside) {
    PutAside(row);
  }
  const std::optional<absl::Time> wake_at = WakeTime(job);
  const bool moved = job.state != row.stored.state;
  const bool was_scheduled = row.stored.state == v1::Job::SCHEDULED;
  const bool timed = wake_at != row.stored.wake_at ||
                     (moved && (was_scheduled || job.state == v1::Job::SCHEDULED));
  Pack(row, &packed_);
  if (!moved && !timed && !write.result_changed) {
    update_record_.Bind(1, row.stored.row).BindBlob(2, packed_).BindBlob(3, row.history.bytes());
    update_record_.Run();
    return;
  }
  Statement& update = write.result_changed ? update_result_ : timed ? update_timed_ : update_;
  update.Bind(1, row.stored.row).Bind(2, int64_t{job.state});
  BindPlace(update, 3, job);
  update.BindBlob(5, packed_).BindBlob(6, row.history.bytes());
  if (write.result_changed || timed) {
    update.BindTime(7, wake_at);
    BindFlag(update, 8, IsRetrying(job));
  }
  if (write.result_changed) BindInside(update, 9, write.result);
  update.Run();
  if (write.result_changed) PutResult(write);
  if (moved) {
    Count(job, row.stored.state, -1);
    Count(job, job.state, 1);
  }
  row.stored.state = job.state;
  row.stored.wake_at = wake_at;
}

void JobWriter::PutResult(const JobWrite& write) {
  const int64_t row = write.row->stored.row;
  if (!write.result.has_value()) {
    delete_result_.Bind(1, row).Run();
  } else if (write.result->size() > kMaxInside) {
    put_result_.Bind(1, row).BindBlob(2, *write.result).Run();
  }
}

void JobWriter::PutAside(JobRow& row) {
  insert_piece_.Bind(1, row.stored.row).Bind(2, row.job.revision);
  insert_piece_.Bind(3, int64_t{row.history.lines()}).BindBlob(4, row.history.bytes()).Run();
  row.stored.history_aside += row.history.lines();
  row.history.Clear();
  while (row.stored.history_aside > kMaxHistory) {
    first_piece_.Bind(1, row.stored.row);
    if (!first_piece_.Step()) return;
    const int64_t last_revision = first_piece_.Int(0);
    const auto lines = static_cast<int32_t>(first_piece_.Int(1));
    first_piece_.Reset();
    // What would be left without it has to be as much as a job keeps.
    if (row.stored.history_aside - lines < kMaxHistory) return;
    delete_piece_.Bind(1, row.stored.row).Bind(2, last_revision).Run();
    row.stored.history_aside -= lines;
  }
}

void JobWriter::PutProgress(const JobRow& row) {
  const ProgressRecord& progress = *row.job.progress;
  put_progress_.Bind(1, row.stored.row);
  put_progress_.Bind(2, int64_t{progress.attempt});
  put_progress_.Bind(3, progress.revision);
  put_progress_.Bind(4, progress.fraction);
  put_progress_.BindText(5, progress.message);
  put_progress_.BindBlob(6, progress.data);
  put_progress_.BindTime(7, progress.time);
  put_progress_.Run();
}

void JobWriter::PutLabels(const JobRow& row) {
  for (const auto& [key, value] : row.job.spec->labels()) {
    insert_label_.BindText(1, row.job.tenant()).BindText(2, key).BindText(3, value);
    insert_label_.Bind(4, row.stored.row).Run();
  }
}

void JobWriter::Delete(JobRow& row) {
  const int64_t number = row.stored.row;
  delete_.Bind(1, number).Run();
  if (!row.payload.has_value()) delete_payload_.Bind(1, number).Run();
  if (row.job.result.has_value() && row.job.result->size() > static_cast<int64_t>(kMaxInside)) {
    delete_result_.Bind(1, number).Run();
  }
  if (row.job.progress.has_value()) delete_progress_.Bind(1, number).Run();
  if (row.stored.history_aside > 0) delete_history_.Bind(1, number).Run();
  for (const auto& [key, value] : row.job.spec->labels()) {
    delete_label_.BindText(1, row.job.tenant()).BindText(2, key).BindText(3, value);
    delete_label_.Bind(4, number).Run();
  }
  Count(row.job, row.stored.state, -1);
}

void JobWriter::Count(const JobRecord& job, JobState state, int64_t delta) {
  deltas_[{numbers_.KindOf(job), state}] += delta;
}

void JobWriter::WriteCounts() {
  for (const auto& [kind_and_state, delta] : deltas_) {
    if (delta == 0) continue;
    add_count_.Bind(1, kind_and_state.first).Bind(2, int64_t{kind_and_state.second});
    add_count_.Bind(3, delta).Run();
  }
  deltas_.clear();
}

}  // namespace buzzer::state
