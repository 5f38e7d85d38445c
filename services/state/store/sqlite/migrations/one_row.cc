// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/migrations/one_row.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/state/store/sqlite/rows/job_writer.h"

namespace buzzer::state {
namespace {

constexpr int kJobsAtOnce = 2000;

// The columns that Read takes, in its order.
constexpr char kOldJobs[] =
    "SELECT j.n, j.id, j.queue, s.spec, j.state, j.revision, j.attempt, j.failed_attempts,"
    " j.stop_cause, j.retried, j.claim_id, j.claim_answer, j.lease_id, j.worker, j.grace,"
    " j.attempt_timeout, j.handler_retry, j.handler_max_attempts, j.retry_delay,"
    " j.queue_position, j.queued_at, j.updated_at, j.run_at, j.started_at, j.ended_at,"
    " j.deadline_at, j.purge_at, j.error, j.result_type, j.result_size, p.attempt, p.revision,"
    " p.fraction, p.message, p.data, p.time, s.payload, r.body FROM old_jobs j"
    " JOIN old_submissions s ON s.n = j.n LEFT JOIN old_progress p ON p.n = j.n"
    " LEFT JOIN old_results r ON r.n = j.n ORDER BY j.n LIMIT ?";

template <typename Message>
Message Parse(absl::string_view bytes) {
  Message message;
  message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return message;
}

struct OldJob {
  int64_t n = 0;
  JobRow row;
  std::optional<std::string> result;
};

OldJob Read(const Statement& row) {
  OldJob old;
  JobRecord& job = old.row.job;
  int c = 0;
  old.n = row.Int(c++);
  job.id = JobId::FromBytes(row.Bytes(c++)).value_or(JobId());
  job.queue = row.String(c++);
  job.spec = std::make_shared<internal::v1::NewJob>(Parse<internal::v1::NewJob>(row.Bytes(c++)));
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
  job.grace = absl::Microseconds(row.Int(c++));
  job.attempt_timeout = absl::Microseconds(row.Int(c++));
  if (!row.IsNull(c)) {
    job.handler_retry = std::make_shared<v1::RetryPolicy>(Parse<v1::RetryPolicy>(row.Bytes(c)));
  }
  ++c;
  job.handler_max_attempts = static_cast<int32_t>(row.Int(c++));
  job.retry_delay = absl::Microseconds(row.Int(c++));
  job.queue_position = row.Int(c++);
  job.queued_at = row.OptionalTime(c++);
  job.updated_at = row.Time(c++);
  job.run_at = row.OptionalTime(c++);
  job.started_at = row.OptionalTime(c++);
  job.ended_at = row.OptionalTime(c++);
  job.deadline_at = row.OptionalTime(c++);
  job.purge_at = row.OptionalTime(c++);
  if (!row.IsNull(c)) job.error = Parse<v1::JobError>(row.Bytes(c));
  ++c;
  if (!row.IsNull(c)) {
    job.result.emplace().set_content_type(row.String(c));
    job.result->set_size(row.Int(c + 1));
  }
  c += 2;
  if (!row.IsNull(c)) {
    ProgressRecord& progress = job.progress.emplace();
    progress.attempt = static_cast<int32_t>(row.Int(c));
    progress.revision = row.Int(c + 1);
    progress.fraction = row.Double(c + 2);
    progress.message = row.String(c + 3);
    progress.data = row.String(c + 4);
    progress.time = row.Time(c + 5);
  }
  c += 6;
  old.row.payload = row.String(c++);
  if (!row.IsNull(c)) old.result = row.String(c);
  return old;
}

void ReadHistory(Statement& lines, OldJob* old) {
  lines.Bind(1, old->n);
  while (lines.Step()) {
    HistoryEntry entry;
    entry.revision = lines.Int(0);
    entry.time = lines.Time(1);
    entry.state = static_cast<JobState>(lines.Int(2));
    entry.attempt = static_cast<int32_t>(lines.Int(3));
    entry.cause = CauseNamed(lines.Bytes(4)).value_or(Cause::kNone);
    if (!lines.IsNull(5)) entry.error = Parse<v1::JobError>(lines.Bytes(5));
    old->row.history.Append(entry);
  }
}

bool HasOldJobs(Database& database) {
  Statement table = database.Prepare("SELECT 1 FROM sqlite_master WHERE name = 'old_jobs'");
  const bool there = table.Step();
  table.Reset();
  return there;
}

std::vector<OldJob> ReadSome(Database& database) {
  std::vector<OldJob> jobs;
  Statement read = database.Prepare(kOldJobs);
  read.Bind(1, int64_t{kJobsAtOnce});
  while (read.Step()) jobs.push_back(Read(read));
  Statement lines = database.Prepare(
      "SELECT revision, time, state, attempt, cause, error FROM old_history WHERE n = ?"
      " ORDER BY revision");
  for (OldJob& job : jobs) ReadHistory(lines, &job);
  return jobs;
}

void WriteSome(Database& database, std::vector<OldJob>& jobs) {
  JobWriter writer(&database);
  for (OldJob& old : jobs) {
    JobWrite write;
    write.row = &old.row;
    write.is_new = true;
    write.progressed = old.row.job.progress.has_value();
    write.result = std::move(old.result);
    writer.Write(write);
    // A long history goes aside at the next change.
    if (old.row.history.lines() <= JobWriter::kMaxLinesInside) continue;
    JobWrite change;
    change.row = &old.row;
    change.changed = true;
    writer.Write(change);
  }
  writer.WriteCounts();
}

}  // namespace

absl::StatusOr<MovedJobs> MoveSomeJobs(Database& database) {
  const bool there = HasOldJobs(database);
  if (!database.ok()) return database.status();
  if (!there) return MovedJobs{0, true};
  database.Execute("BEGIN IMMEDIATE");
  std::vector<OldJob> jobs = ReadSome(database);
  if (!jobs.empty()) {
    WriteSome(database, jobs);
    for (const char* table :
         {"old_jobs", "old_submissions", "old_progress", "old_results", "old_history"}) {
      Statement gone = database.Prepare(absl::StrCat("DELETE FROM ", table, " WHERE n <= ?"));
      gone.Bind(1, jobs.back().n).Run();
    }
  } else {
    for (const char* table :
         {"old_jobs", "old_submissions", "old_progress", "old_results", "old_history"}) {
      database.Execute(absl::StrCat("DROP TABLE ", table));
    }
  }
  database.Execute("COMMIT");
  if (!database.ok()) return database.status();
  return MovedJobs{static_cast<int>(jobs.size()), jobs.empty()};
}

}  // namespace buzzer::state
