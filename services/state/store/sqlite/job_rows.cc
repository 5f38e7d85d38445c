// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/job_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/fault_points/fault_points.h"

namespace buzzer::state {
namespace {

// The columns that Read takes, in its order.
constexpr char kSelectJob[] =
    "SELECT j.n, j.id, j.queue, s.spec, j.state, j.revision, j.attempt, j.failed_attempts,"
    " j.stop_cause, j.retried, j.claim_id, j.claim_answer, j.lease_id, j.worker, j.grace,"
    " j.attempt_timeout, j.handler_retry, j.handler_max_attempts, j.retry_delay, j.queue_position, "
    "j.queued_at, j.updated_at, j.run_at, j.started_at,"
    " j.ended_at, j.deadline_at, j.purge_at, j.error, j.result_type, j.result_size,"
    " p.attempt, p.revision, p.fraction, p.message, p.data, p.time"
    " FROM jobs j JOIN submissions s ON s.n = j.n LEFT JOIN progress p ON p.n = j.n ";

constexpr int kMutableColumns = 27;

// A job keeps this many lines of history.
constexpr int kMaxHistory = 1000;

absl::Duration Micros(int64_t value) { return absl::Microseconds(value); }

JobRecord Read(const Statement& row) {
  JobRecord job;
  int c = 0;
  job.row = row.Int(c++);
  job.id = JobId::FromBytes(row.Bytes(c++)).value_or(JobId());
  job.queue = row.String(c++);
  const absl::string_view spec = row.Bytes(c++);
  auto submitted = std::make_shared<internal::v1::NewJob>();
  submitted->ParseFromArray(spec.data(), static_cast<int>(spec.size()));
  job.spec = std::move(submitted);
  job.state = static_cast<JobState>(row.Int(c++));
  job.revision = row.Int(c++);
  job.attempt = static_cast<int32_t>(row.Int(c++));
  job.failed_attempts = static_cast<int32_t>(row.Int(c++));
  job.stop_cause = static_cast<StopCause>(row.Int(c++));
  job.retried = row.Int(c++) != 0;
  job.claim_id = row.String(c++);
  job.claim_answer = static_cast<ClaimAnswer>(row.Int(c++));
  job.lease_id = row.String(c++);
  job.worker = row.String(c++);
  job.grace = Micros(row.Int(c++));
  job.attempt_timeout = Micros(row.Int(c++));
  if (!row.IsNull(c)) {
    auto policy = std::make_shared<v1::RetryPolicy>();
    const absl::string_view bytes = row.Bytes(c);
    policy->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    job.handler_retry = std::move(policy);
  }
  ++c;
  job.handler_max_attempts = static_cast<int32_t>(row.Int(c++));
  job.retry_delay = Micros(row.Int(c++));
  job.queue_position = row.Int(c++);
  job.queued_at = row.OptionalTime(c++);
  job.updated_at = row.Time(c++);
  job.run_at = row.OptionalTime(c++);
  job.started_at = row.OptionalTime(c++);
  job.ended_at = row.OptionalTime(c++);
  job.deadline_at = row.OptionalTime(c++);
  job.purge_at = row.OptionalTime(c++);
  if (!row.IsNull(c)) {
    const absl::string_view error = row.Bytes(c);
    job.error.emplace().ParseFromArray(error.data(), static_cast<int>(error.size()));
  }
  ++c;
  if (!row.IsNull(c)) {
    job.result.emplace().set_content_type(row.String(c));
    job.result->set_size(row.Int(c + 1));
  }
  c += 2;
  if (!row.IsNull(c)) {
    ProgressRecord& progress = job.progress.emplace();
    progress.attempt = static_cast<int32_t>(row.Int(c++));
    progress.revision = row.Int(c++);
    progress.fraction = row.Double(c++);
    progress.message = row.String(c++);
    progress.data = row.String(c++);
    progress.time = row.Time(c++);
  }
  return job;
}

void BindError(Statement& statement, int index, const std::optional<v1::JobError>& error) {
  if (error.has_value()) {
    statement.BindBlob(index, error->SerializeAsString());
  } else {
    statement.BindNull(index);
  }
}

std::string Placeholders(int count) {
  std::string text = "?";
  for (int i = 1; i < count; ++i) text += ", ?";
  return text;
}

}  // namespace

JobRows::JobRows(Database* database)
    : database_(database),
      find_(database->Prepare(absl::StrCat(kSelectJob, "WHERE j.id = ?"))),
      find_row_(database->Prepare("SELECT n FROM jobs WHERE id = ?")),
      find_payload_(database->Prepare("SELECT payload FROM submissions WHERE n = ?")),
      find_history_(
          database->Prepare("SELECT revision, time, state, attempt, cause, error FROM history"
                            " WHERE n = ? AND revision > ? ORDER BY revision")) {}

std::optional<JobRecord> JobRows::Find(const JobId& id) {
  find_.BindBlob(1, id.bytes());
  if (!find_.Step()) return std::nullopt;
  JobRecord job = Read(find_);
  find_.Reset();
  return job;
}

bool JobRows::Exists(const JobId& id) {
  find_row_.BindBlob(1, id.bytes());
  const bool exists = find_row_.Step();
  find_row_.Reset();
  return exists;
}

std::string JobRows::FindPayload(int64_t row) {
  find_payload_.Bind(1, row);
  std::string payload;
  if (find_payload_.Step()) payload = find_payload_.String(0);
  find_payload_.Reset();
  return payload;
}

std::vector<HistoryEntry> JobRows::FindHistory(int64_t row, int64_t after_revision) {
  std::vector<HistoryEntry> entries;
  find_history_.Bind(1, row).Bind(2, after_revision);
  while (find_history_.Step()) {
    HistoryEntry& entry = entries.emplace_back();
    entry.revision = find_history_.Int(0);
    entry.time = find_history_.Time(1);
    entry.state = static_cast<JobState>(find_history_.Int(2));
    entry.attempt = static_cast<int32_t>(find_history_.Int(3));
    entry.cause = CauseNamed(find_history_.Bytes(4)).value_or(Cause::kNone);
    if (!find_history_.IsNull(5)) {
      const absl::string_view error = find_history_.Bytes(5);
      entry.error.emplace().ParseFromArray(error.data(), static_cast<int>(error.size()));
    }
  }
  return entries;
}

Statement JobRows::PrepareScan(absl::string_view where) {
  return database_->Prepare(absl::StrCat(kSelectJob, where));
}

void JobRows::Scan(Statement& query, const std::function<bool(JobRecord)>& visit) {
  while (query.Step()) {
    if (!visit(Read(query))) {
      query.Reset();
      return;
    }
  }
}

JobRowsWriter::JobRowsWriter(Database* database)
    : database_(database),
      insert_job_(database->Prepare(absl::StrCat(
          "INSERT INTO jobs (id, tenant, type, queue, priority, state, revision, attempt,"
          " failed_attempts, stop_cause, retried, claim_id, claim_answer, lease_id, worker, grace,"
          " attempt_timeout, handler_retry, handler_max_attempts, retry_delay, queue_position, "
          "queued_at, updated_at, run_at, started_at, ended_at,"
          " deadline_at, purge_at, wake_at, error, result_type, result_size) VALUES (",
          Placeholders(5 + kMutableColumns), ")"))),
      insert_submission_(
          database->Prepare("INSERT INTO submissions (n, spec, payload) VALUES (?, ?, ?)")),
      insert_label_(
          database->Prepare("INSERT INTO labels (tenant, key, value, id) VALUES (?, ?, ?, ?)")),
      update_job_(database->Prepare(
          "UPDATE jobs SET state = ?2, revision = ?3, attempt = ?4, failed_attempts = ?5,"
          " stop_cause = ?6, retried = ?7, claim_id = ?8, claim_answer = ?9, lease_id = ?10,"
          " worker = ?11, grace = ?12, attempt_timeout = ?13, handler_retry = ?14,"
          " handler_max_attempts = ?15, retry_delay = ?16, queue_position = ?17,"
          " queued_at = ?18, updated_at = ?19, run_at = ?20, started_at = ?21, ended_at = ?22,"
          " deadline_at = ?23, purge_at = ?24, wake_at = ?25, error = ?26, result_type = ?27,"
          " result_size = ?28 WHERE n = ?1")),
      update_spec_(database->Prepare("UPDATE submissions SET spec = ?2 WHERE n = ?1")),
      insert_history_(database->Prepare(
          absl::StrCat(BUZZER_PLANTED("revision_not_raised") ? "INSERT OR REPLACE" : "INSERT",
                       " INTO history (n, revision, time, state, attempt, cause, error)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?)"))),
      prune_history_(database->Prepare(absl::StrCat(
          "DELETE FROM history WHERE n = ?1 AND revision <= (SELECT revision FROM history"
          " WHERE n = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ",
          kMaxHistory, ")"))),
      put_result_(database->Prepare(
          "INSERT OR REPLACE INTO results (n, content_type, body) VALUES (?, ?, ?)")),
      put_progress_(database->Prepare(
          "INSERT INTO progress (n, attempt, revision, fraction, message, data, time)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (n) DO UPDATE SET attempt = ?2,"
          " revision = ?3, fraction = ?4, message = ?5, data = ?6, time = ?7")),
      insert_outbox_(
          database->Prepare("INSERT INTO outbox (queue, priority, position, id, type, queued_at)"
                            " VALUES (?, ?, ?, ?, ?, ?)")),
      delete_outbox_(database->Prepare(
          "DELETE FROM outbox WHERE queue = ? AND priority = ? AND position = ?")),
      delete_result_(database->Prepare("DELETE FROM results WHERE n = ?")),
      delete_label_(database->Prepare(
          "DELETE FROM labels WHERE tenant = ? AND key = ? AND value = ? AND id = ?")) {
  for (const char* table : {"jobs", "submissions", "results", "progress", "history"}) {
    delete_rows_.push_back(database->Prepare(absl::StrCat("DELETE FROM ", table, " WHERE n = ?")));
  }
}

void JobRowsWriter::BindMutable(Statement& statement, int first, const JobRecord& job) {
  int i = first;
  statement.Bind(i++, int64_t{job.state});
  statement.Bind(i++, job.revision);
  statement.Bind(i++, int64_t{job.attempt});
  statement.Bind(i++, int64_t{job.failed_attempts});
  statement.Bind(i++, static_cast<int64_t>(job.stop_cause));
  statement.Bind(i++, int64_t{job.retried});
  statement.BindBlob(i++, job.claim_id);
  statement.Bind(i++, static_cast<int64_t>(job.claim_answer));
  statement.BindBlob(i++, job.lease_id);
  statement.BindText(i++, job.worker);
  statement.Bind(i++, absl::ToInt64Microseconds(job.grace));
  statement.Bind(i++, absl::ToInt64Microseconds(job.attempt_timeout));
  if (job.handler_retry != nullptr) {
    statement.BindBlob(i++, job.handler_retry->SerializeAsString());
  } else {
    statement.BindNull(i++);
  }
  statement.Bind(i++, int64_t{job.handler_max_attempts});
  statement.Bind(i++, absl::ToInt64Microseconds(job.retry_delay));
  statement.Bind(i++, job.queue_position);
  statement.BindTime(i++, job.queued_at);
  statement.BindTime(i++, job.updated_at);
  statement.BindTime(i++, job.run_at);
  statement.BindTime(i++, job.started_at);
  statement.BindTime(i++, job.ended_at);
  statement.BindTime(i++, job.deadline_at);
  statement.BindTime(i++, job.purge_at);
  statement.BindTime(i++, WakeTime(job));
  BindError(statement, i++, job.error);
  if (job.result.has_value()) {
    statement.BindText(i++, job.result->content_type());
    statement.Bind(i++, job.result->size());
  } else {
    statement.BindNull(i++);
    statement.BindNull(i++);
  }
}

void JobRowsWriter::Insert(JobRecord& job, absl::string_view payload) {
  insert_job_.BindBlob(1, job.id.bytes());
  insert_job_.BindText(2, job.tenant());
  insert_job_.BindText(3, job.type());
  insert_job_.BindText(4, job.queue);
  insert_job_.Bind(5, int64_t{job.priority()});
  BindMutable(insert_job_, 6, job);
  insert_job_.Run();
  job.row = database_->LastInsertRow();
  insert_submission_.Bind(1, job.row);
  insert_submission_.BindBlob(2, job.spec->SerializeAsString());
  insert_submission_.BindBlob(3, payload);
  insert_submission_.Run();
  for (const auto& [key, value] : job.spec->labels()) {
    insert_label_.BindText(1, job.tenant());
    insert_label_.BindText(2, key);
    insert_label_.BindText(3, value);
    insert_label_.BindBlob(4, job.id.bytes());
    insert_label_.Run();
  }
}

void JobRowsWriter::Update(const JobRecord& job) {
  update_job_.Bind(1, job.row);
  BindMutable(update_job_, 2, job);
  update_job_.Run();
}

void JobRowsWriter::UpdateSpec(const JobRecord& job) {
  update_spec_.Bind(1, job.row);
  update_spec_.BindBlob(2, job.spec->SerializeAsString());
  update_spec_.Run();
}

void JobRowsWriter::Delete(const JobRecord& job) {
  for (Statement& statement : delete_rows_) statement.Bind(1, job.row).Run();
  for (const auto& [key, value] : job.spec->labels()) {
    delete_label_.BindText(1, job.tenant());
    delete_label_.BindText(2, key);
    delete_label_.BindText(3, value);
    delete_label_.BindBlob(4, job.id.bytes());
    delete_label_.Run();
  }
}

void JobRowsWriter::InsertHistory(int64_t row, const HistoryEntry& entry) {
  insert_history_.Bind(1, row);
  insert_history_.Bind(2, entry.revision);
  insert_history_.BindTime(3, entry.time);
  insert_history_.Bind(4, int64_t{entry.state});
  insert_history_.Bind(5, int64_t{entry.attempt});
  insert_history_.BindText(6, CauseName(entry.cause));
  BindError(insert_history_, 7, entry.error);
  insert_history_.Run();
  // Each line has a revision of its own.
  if (entry.revision > kMaxHistory) prune_history_.Bind(1, row).Run();
}

void JobRowsWriter::PutResult(int64_t row, const internal::v1::Success& success) {
  put_result_.Bind(1, row);
  put_result_.BindText(2, success.content_type());
  put_result_.BindBlob(3, success.result());
  put_result_.Run();
}

void JobRowsWriter::DeleteResult(int64_t row) { delete_result_.Bind(1, row).Run(); }

void JobRowsWriter::PutProgress(int64_t row, const ProgressRecord& progress) {
  put_progress_.Bind(1, row);
  put_progress_.Bind(2, int64_t{progress.attempt});
  put_progress_.Bind(3, progress.revision);
  put_progress_.Bind(4, progress.fraction);
  put_progress_.BindText(5, progress.message);
  put_progress_.BindBlob(6, progress.data);
  put_progress_.BindTime(7, progress.time);
  put_progress_.Run();
}

void JobRowsWriter::InsertOutbox(const JobRecord& job) {
  insert_outbox_.BindText(1, job.queue);
  insert_outbox_.Bind(2, int64_t{job.priority()});
  insert_outbox_.Bind(3, job.queue_position);
  insert_outbox_.BindBlob(4, job.id.bytes());
  insert_outbox_.BindText(5, job.type());
  insert_outbox_.BindTime(6, job.queued_at.value_or(job.updated_at));
  insert_outbox_.Run();
}

void JobRowsWriter::DeleteOutbox(const JobRecord& job, int64_t position) {
  delete_outbox_.BindText(1, job.queue);
  delete_outbox_.Bind(2, int64_t{job.priority()});
  delete_outbox_.Bind(3, position);
  delete_outbox_.Run();
}

}  // namespace buzzer::state
