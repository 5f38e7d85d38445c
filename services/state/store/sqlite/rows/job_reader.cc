// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/rows/job_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/state/store/sqlite/rows/job_codec.h"
#include "services/state/store/sqlite/rows/row_number.h"

namespace buzzer::state {
namespace {

// The columns that ReadJob takes, in its order.
constexpr char kColumns[] =
    " j.row, j.id, j.state, j.record, j.spec, p.attempt, p.revision, p.fraction, p.message,"
    " p.data, p.time";
constexpr int kHistory = 11;
constexpr int kPayload = 12;

Unpacked ReadJob(const Statement& row, JobRecord* job) {
  job->id = JobId::FromBytes(row.Bytes(1)).value_or(JobId());
  job->state = static_cast<JobState>(row.Int(2));
  const Unpacked unpacked = Unpack(row.Bytes(3), job);
  const absl::string_view spec = row.Bytes(4);
  auto submitted = std::make_shared<internal::v1::NewJob>();
  submitted->ParseFromArray(spec.data(), static_cast<int>(spec.size()));
  job->spec = std::move(submitted);
  if (!row.IsNull(5)) {
    ProgressRecord& progress = job->progress.emplace();
    progress.attempt = static_cast<int32_t>(row.Int(5));
    progress.revision = row.Int(6);
    progress.fraction = row.Double(7);
    progress.message = row.String(8);
    progress.data = row.String(9);
    progress.time = row.Time(10);
    // A report of progress leaves the job's row as it is.
    job->revision = std::max(job->revision, progress.revision);
    job->updated_at = std::max(job->updated_at, progress.time);
  }
  return unpacked;
}

}  // namespace

JobReader::JobReader(Database* database)
    : database_(database),
      find_(database->Prepare(absl::StrCat(
          "SELECT", kColumns,
          ", j.history, j.payload, j.wake_at FROM jobs j LEFT JOIN progress p ON p.row = j.row"
          " WHERE j.row >= ?1 AND j.row < ?2 AND j.id = ?3"))),
      find_number_(
          database->Prepare("SELECT row FROM jobs WHERE row >= ?1 AND row < ?2 AND id = ?3")),
      payload_(database->Prepare("SELECT body FROM payloads WHERE row = ?")),
      result_(database->Prepare("SELECT body FROM results WHERE row = ?")),
      inside_result_(database->Prepare("SELECT result FROM jobs WHERE row = ?")),
      pieces_(database->Prepare("SELECT packed FROM history WHERE row = ? AND last_revision > ?"
                                " ORDER BY last_revision")) {}

std::optional<JobRow> JobReader::Find(const JobId& id) {
  const int64_t first = FirstRowOf(id);
  find_.Bind(1, first).Bind(2, first + kRowsOfOneNumber).BindBlob(3, id.bytes());
  if (!find_.Step()) return std::nullopt;
  JobRow row;
  const Unpacked unpacked = ReadJob(find_, &row.job);
  row.history = PackedHistory(find_.String(kHistory), unpacked.history_inside);
  if (!find_.IsNull(kPayload)) row.payload = find_.String(kPayload);
  row.stored = {find_.Int(0), row.job.state, find_.OptionalTime(kPayload + 1),
                unpacked.history_aside};
  find_.Reset();
  return row;
}

int64_t JobReader::FindNumber(const JobId& id) {
  const int64_t first = FirstRowOf(id);
  find_number_.Bind(1, first).Bind(2, first + kRowsOfOneNumber).BindBlob(3, id.bytes());
  const int64_t number = find_number_.Step() ? find_number_.Int(0) : first;
  find_number_.Reset();
  return number;
}

std::string JobReader::FindPayload(const JobRow& row) {
  if (row.payload.has_value()) return *row.payload;
  payload_.Bind(1, row.stored.row);
  std::string payload;
  if (payload_.Step()) payload = payload_.String(0);
  payload_.Reset();
  return payload;
}

std::string JobReader::FindResult(const JobRow& row) {
  std::string result;
  for (Statement* statement : {&inside_result_, &result_}) {
    statement->Bind(1, row.stored.row);
    const bool found = statement->Step() && !statement->IsNull(0);
    if (found) result = statement->String(0);
    statement->Reset();
    if (found) break;
  }
  return result;
}

std::vector<HistoryEntry> JobReader::FindHistory(const JobRow& row, int64_t after_revision) {
  std::vector<HistoryEntry> entries;
  // Pieces go only whole, so that some lines may be there that are too many.
  const bool whole = row.stored.history_aside + row.history.lines() > kMaxHistory;
  const int64_t after = whole ? 0 : after_revision;
  if (row.stored.history_aside > 0) {
    pieces_.Bind(1, row.stored.row).Bind(2, after);
    while (pieces_.Step()) Unpack(pieces_.Bytes(0), after, &entries);
  }
  Unpack(row.history.bytes(), after, &entries);
  if (entries.size() > kMaxHistory) {
    entries.erase(entries.begin(), entries.end() - kMaxHistory);
  }
  std::erase_if(entries, [&](const auto& entry) { return entry.revision <= after_revision; });
  return entries;
}

Statement JobReader::PrepareScan(absl::string_view tables, absl::string_view where) {
  return database_->Prepare(absl::StrCat("SELECT", kColumns, " FROM ", tables,
                                         " LEFT JOIN progress p ON p.row = j.row ", where));
}

JobRecord JobReader::Read(const Statement& scan) {
  JobRecord job;
  ReadJob(scan, &job);
  return job;
}

}  // namespace buzzer::state
