// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/sqlite_job_rows.h"

#include <algorithm>

namespace buzzer::state {
SqliteJobRows::SqliteJobRows(std::unique_ptr<Database> database)
    : database_(std::move(database)),
      writer_(database_.get()),
      reader_(database_.get()),
      due_(database_->Prepare("SELECT id FROM jobs WHERE wake_at <= ? ORDER BY wake_at LIMIT ?")),
      next_wake_(database_->Prepare("SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL")),
      retrying_(database_->Prepare(
          "SELECT id FROM jobs WHERE retrying = 1 AND row > ? ORDER BY row LIMIT ?")),
      find_key_(database_->Prepare("SELECT hash, hash_version, id, forget_at"
                                   " FROM idempotency_keys WHERE tenant = ? AND key = ?")),
      put_key_(database_->Prepare("INSERT OR REPLACE INTO idempotency_keys"
                                  " (tenant, key, hash, hash_version, id, forget_at)"
                                  " VALUES (?, ?, ?, ?, ?, ?)")),
      delete_key_(database_->Prepare("DELETE FROM idempotency_keys WHERE tenant = ? AND key = ?")),
      forget_keys_(database_->Prepare("DELETE FROM idempotency_keys WHERE forget_at <= ?")),
      put_type_(database_->Prepare(
          "INSERT OR REPLACE INTO types (type, queue, last_seen) VALUES (?, ?, ?)")),
      forget_types_(database_->Prepare("DELETE FROM types WHERE last_seen < ?")),
      pause_(database_->Prepare("INSERT OR IGNORE INTO paused_queues (queue) VALUES (?)")),
      resume_(database_->Prepare("DELETE FROM paused_queues WHERE queue = ?")) {}

void SqliteJobRows::Begin() {
  database_->ClearStatus();
  database_->Execute("BEGIN IMMEDIATE");
}

void SqliteJobRows::Load(const std::vector<JobId>& jobs, absl::FunctionRef<void(JobRow)> take) {
  for (const JobId& id : jobs) {
    if (auto row = reader_.Find(id)) take(*std::move(row));
  }
}

std::vector<std::optional<KeyRecord>> SqliteJobRows::LoadKeys(const std::vector<KeyName>& keys) {
  std::vector<std::optional<KeyRecord>> records;
  for (const KeyName& name : keys) {
    std::optional<KeyRecord>& record = records.emplace_back();
    find_key_.BindText(1, name.tenant).BindText(2, name.key);
    if (find_key_.Step()) {
      record = {find_key_.String(0), static_cast<int32_t>(find_key_.Int(1)),
                JobId::FromBytes(find_key_.Bytes(2)).value_or(JobId()), find_key_.OptionalTime(3)};
    }
    find_key_.Reset();
  }
  return records;
}

std::vector<JobId> SqliteJobRows::FindDue(absl::Time now, int limit) {
  std::vector<JobId> due;
  due_.BindTime(1, now).Bind(2, int64_t{limit});
  while (due_.Step()) due.push_back(JobId::FromBytes(due_.Bytes(0)).value_or(JobId()));
  return due;
}

std::optional<absl::Time> SqliteJobRows::NextWake() {
  std::optional<absl::Time> next;
  if (next_wake_.Step()) next = next_wake_.OptionalTime(0);
  next_wake_.Reset();
  return next;
}

std::vector<JobId> SqliteJobRows::FindRetrying(std::optional<JobId> after, int limit) {
  const int64_t row = after.has_value() ? reader_.FindNumber(*after) : -1;
  std::vector<JobId> jobs;
  retrying_.Bind(1, row).Bind(2, int64_t{limit});
  while (retrying_.Step()) jobs.push_back(JobId::FromBytes(retrying_.Bytes(0)).value_or(JobId()));
  return jobs;
}

void SqliteJobRows::Write(WriteSet& writes) {
  for (JobWrite& write : writes.jobs) writer_.Write(write);
  for (const KeyWrite& key : writes.keys) WriteKey(key);
  for (const TypeRecord& type : writes.types) {
    put_type_.BindText(1, type.type).BindText(2, type.queue).BindTime(3, type.last_seen).Run();
  }
  for (const auto& [queue, paused] : writes.paused) {
    (paused ? pause_ : resume_).BindText(1, queue).Run();
  }
  if (writes.forget_before.has_value()) {
    forget_keys_.BindTime(1, *writes.forget_before).Run();
    forget_types_.BindTime(1, *writes.forget_before - kTypeRetention).Run();
  }
}

SqliteJobRows::CommitResult SqliteJobRows::Commit() {
  writer_.WriteCounts();
  const bool all_written = database_->ok();
  database_->Execute("COMMIT");
  CommitResult result;
  if (database_->ok()) return result;
  result.status = database_->status();
  result.full = database_->full();
  result.in_doubt = all_written && database_->broken();
  database_->ClearStatus();
  // Fails, harmlessly, if SQLite has rolled back already.
  database_->Execute("ROLLBACK");
  database_->ClearStatus();
  if (!database_->broken()) writer_.Forget();
  return result;
}

void SqliteJobRows::WriteKey(const KeyWrite& key) {
  if (!key.record.has_value()) {
    delete_key_.BindText(1, key.name.tenant).BindText(2, key.name.key).Run();
    return;
  }
  put_key_.BindText(1, key.name.tenant).BindText(2, key.name.key);
  put_key_.BindBlob(3, key.record->hash).Bind(4, int64_t{key.record->hash_version});
  put_key_.BindBlob(5, key.record->job.bytes()).BindTime(6, key.record->forget_at).Run();
}

absl::StatusOr<StoreSummary> SqliteJobRows::Summarize() {
  StoreSummary summary;
  Statement counts = database_->Prepare(
      "SELECT k.queue, k.tenant, c.state, sum(c.jobs) FROM counts c JOIN kinds k ON"
      " k.kind = c.kind GROUP BY k.queue, k.tenant, c.state ORDER BY k.queue, k.tenant");
  while (counts.Step()) {
    std::string queue = counts.String(0);
    std::string tenant = counts.String(1);
    auto& rows = summary.counts;
    if (rows.empty() || rows.back().queue != queue || rows.back().tenant != tenant) {
      rows.push_back({std::move(queue), std::move(tenant), {}});
    }
    const int64_t state = counts.Int(2);
    if (state >= 0 && state < 8) rows.back().by_state[state] = counts.Int(3);
  }
  Statement paused = database_->Prepare("SELECT queue FROM paused_queues");
  while (paused.Step()) summary.paused_queues.push_back(paused.String(0));
  Statement position = database_->Prepare(
      "SELECT max(place) FROM (SELECT (SELECT max(position) FROM jobs WHERE lane = lanes.lane AND"
      " position IS NOT NULL) AS place FROM lanes)");
  if (position.Step()) summary.last_position = position.Int(0);
  position.Reset();
  // An active job may be handed back to the place that it had.
  Statement active =
      reader_.PrepareScan("counts c CROSS JOIN jobs j ON j.kind = c.kind AND j.state = c.state",
                          "WHERE c.state IN (3, 4) AND c.jobs > 0");
  while (active.Step()) {
    summary.last_position = std::max(summary.last_position, JobReader::Read(active).queue_position);
  }
  if (!database_->ok()) return database_->status();
  return summary;
}

}  // namespace buzzer::state
