// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/sqlite_job_queries.h"

#include <algorithm>
#include <utility>

#include "services/state/store/store_errors.h"

namespace buzzer::state {
namespace {

// Keeps several reads to one moment. Every way out of its scope goes through Checked.
class Snapshot {
 public:
  explicit Snapshot(Database* database) : database_(database) { database_->Execute("BEGIN"); }
  ~Snapshot() { database_->Execute("COMMIT"); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Database* const database_;
};

}  // namespace

SqliteJobQueries::SqliteJobQueries(std::unique_ptr<Database> database)
    : database_(std::move(database)),
      reader_(database_.get()),
      list_(database_.get(), &reader_),
      outbox_(database_->Prepare(
          "SELECT j.position, j.id, k.type, j.queued_at FROM jobs j JOIN kinds k ON k.kind = j.kind"
          " WHERE j.lane = (SELECT lane FROM lanes WHERE queue = ? AND priority = ?)"
          " AND j.position > ? ORDER BY j.position LIMIT ?")),
      active_(
          reader_.PrepareScan("counts c CROSS JOIN jobs j ON j.kind = c.kind AND j.state = c.state",
                              "WHERE c.state IN (3, 4) AND c.jobs > 0")),
      types_(database_->Prepare("SELECT type, queue, last_seen FROM types ORDER BY type, queue")),
      paused_(database_->Prepare("SELECT queue FROM paused_queues ORDER BY queue")),
      oldest_(database_->Prepare(
          "SELECT queued_at FROM jobs WHERE lane = (SELECT lane FROM lanes WHERE queue = ? AND"
          " priority = ?) AND position IS NOT NULL ORDER BY position LIMIT 1")) {}

template <typename T>
absl::StatusOr<T> SqliteJobQueries::Checked(T value) {
  if (database_->ok()) return value;
  absl::Status status = database_->status();
  database_->ClearStatus();
  return status;
}

absl::StatusOr<JobRow> SqliteJobQueries::FindOwned(const std::string& tenant, const JobId& id) {
  auto row = Checked(reader_.Find(id));
  if (!row.ok()) return row.status();
  if (!row->has_value() || (*row)->job.tenant() != tenant) return JobNotFound();
  return *std::move(*row);
}

absl::StatusOr<JobRecord> SqliteJobQueries::Get(const std::string& tenant, const JobId& id) {
  auto row = FindOwned(tenant, id);
  if (!row.ok()) return row.status();
  return std::move(row->job);
}

absl::StatusOr<FullJob> SqliteJobQueries::GetFull(const std::string& tenant, const JobId& id) {
  const Snapshot snapshot(database_.get());
  auto row = FindOwned(tenant, id);
  if (!row.ok()) return row.status();
  FullJob full;
  full.payload = reader_.FindPayload(*row);
  full.history = reader_.FindHistory(*row, 0);
  full.job = std::move(row->job);
  return Checked(std::move(full));
}

absl::StatusOr<WatchStart> SqliteJobQueries::GetForWatch(const std::string& tenant, const JobId& id,
                                                         int64_t after_revision) {
  const Snapshot snapshot(database_.get());
  auto row = FindOwned(tenant, id);
  if (!row.ok()) return row.status();
  WatchStart start;
  start.changes = reader_.FindHistory(*row, after_revision);
  start.job = std::move(row->job);
  return Checked(std::move(start));
}

absl::StatusOr<FoundResult> SqliteJobQueries::GetResult(const std::string& tenant,
                                                        const JobId& id) {
  const Snapshot snapshot(database_.get());
  auto row = FindOwned(tenant, id);
  if (!row.ok()) return row.status();
  FoundResult found;
  if (row->job.result.has_value()) {
    found.result.content_type = row->job.result->content_type();
    found.result.body = reader_.FindResult(*row);
  }
  found.job = std::move(row->job);
  return Checked(std::move(found));
}

absl::StatusOr<ListPage> SqliteJobQueries::List(const ListQuery& query) {
  const Snapshot snapshot(database_.get());
  return Checked(list_.Read(query));
}

absl::StatusOr<std::vector<OutboxEntry>> SqliteJobQueries::ReadOutbox(const Lane& lane,
                                                                      int64_t after, int limit) {
  std::vector<OutboxEntry> entries;
  outbox_.BindText(1, lane.queue).Bind(2, int64_t{lane.priority});
  outbox_.Bind(3, after).Bind(4, int64_t{limit});
  while (outbox_.Step()) {
    entries.push_back({outbox_.Int(0), JobId::FromBytes(outbox_.Bytes(1)).value_or(JobId()),
                       outbox_.String(2), outbox_.Time(3)});
  }
  return Checked(std::move(entries));
}

absl::StatusOr<std::vector<JobRecord>> SqliteJobQueries::ReadActive() {
  std::vector<JobRecord> jobs;
  while (active_.Step()) jobs.push_back(JobReader::Read(active_));
  return Checked(std::move(jobs));
}

absl::StatusOr<std::vector<TypeRecord>> SqliteJobQueries::ReadTypes() {
  std::vector<TypeRecord> types;
  while (types_.Step()) types.push_back({types_.String(0), types_.String(1), types_.Time(2)});
  return Checked(std::move(types));
}

absl::StatusOr<std::vector<std::string>> SqliteJobQueries::ReadPausedQueues() {
  std::vector<std::string> queues;
  while (paused_.Step()) queues.push_back(paused_.String(0));
  return Checked(std::move(queues));
}

absl::StatusOr<std::vector<std::optional<absl::Time>>> SqliteJobQueries::ReadOldestReady(
    const std::vector<std::string>& queues) {
  std::vector<std::optional<absl::Time>> heads;
  for (const std::string& queue : queues) {
    std::optional<absl::Time>& oldest = heads.emplace_back();
    for (const auto priority : {v1::Job::HIGH, v1::Job::NORMAL, v1::Job::LOW}) {
      oldest_.BindText(1, queue).Bind(2, int64_t{priority});
      if (oldest_.Step()) {
        const absl::Time head = oldest_.Time(0);
        oldest = oldest.has_value() ? std::min(*oldest, head) : head;
      }
      oldest_.Reset();
    }
  }
  return Checked(std::move(heads));
}

}  // namespace buzzer::state
