// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/store_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "services/state/store/sqlite/store_errors.h"

namespace buzzer::state {
namespace {

// A page looks at no more than this many index rows for each job asked for.
constexpr int kScanFactor = 10;

// ?1 is the tenant, ?2 and ?3 the bounds of ids, ?4 the most rows, ?5 and ?6 the
// index's own values.
constexpr char kBounds[] = " AND j.id < ?2 AND j.id >= ?3 ORDER BY j.id DESC LIMIT ?4";

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

bool Matches(const ListQuery& query, const JobRecord& job) {
  if (query.state.has_value() && job.state != *query.state) return false;
  if (!query.type.empty() && job.type() != query.type) return false;
  if (!query.queue.empty() && job.queue != query.queue) return false;
  return std::all_of(query.labels.begin(), query.labels.end(), [&](const auto& label) {
    const auto it = job.spec->labels().find(label.first);
    return it != job.spec->labels().end() && it->second == label.second;
  });
}

}  // namespace

StoreReader::StoreReader(std::unique_ptr<Database> database, const CountTable* counts)
    : database_(std::move(database)),
      counts_(counts),
      rows_(database_.get()),
      list_all_(rows_.PrepareScan(absl::StrCat("WHERE j.tenant = ?1", kBounds))),
      list_by_state_(
          rows_.PrepareScan(absl::StrCat("WHERE j.tenant = ?1 AND j.state = ?5", kBounds))),
      list_by_type_(
          rows_.PrepareScan(absl::StrCat("WHERE j.tenant = ?1 AND j.type = ?5", kBounds))),
      list_by_queue_(
          rows_.PrepareScan(absl::StrCat("WHERE j.tenant = ?1 AND j.queue = ?5", kBounds))),
      list_by_label_(rows_.PrepareScan(
          "JOIN labels l ON l.id = j.id WHERE l.tenant = ?1 AND l.key = ?5 AND l.value = ?6"
          " AND l.id < ?2 AND l.id >= ?3 ORDER BY l.id DESC LIMIT ?4")),
      result_(database_->Prepare("SELECT content_type, body FROM results WHERE n = ?")),
      outbox_(database_->Prepare("SELECT position, id, type, queued_at FROM outbox WHERE queue = ?"
                                 " AND priority = ? AND position > ? ORDER BY position LIMIT ?")),
      active_(rows_.PrepareScan("WHERE j.state IN (3, 4)")),
      types_(database_->Prepare("SELECT type, queue, last_seen FROM types ORDER BY type, queue")),
      paused_(database_->Prepare("SELECT queue FROM paused_queues ORDER BY queue")),
      oldest_(database_->Prepare("SELECT queued_at FROM outbox WHERE queue = ? AND priority = ?"
                                 " ORDER BY position LIMIT 1")) {}

template <typename T>
absl::StatusOr<T> StoreReader::Checked(T value) {
  if (database_->ok()) return value;
  absl::Status status = database_->status();
  database_->ClearStatus();
  return status;
}

absl::StatusOr<JobRecord> StoreReader::Get(const std::string& tenant, const JobId& id) {
  auto job = Checked(rows_.Find(id));
  if (!job.ok()) return job.status();
  if (!job->has_value() || (*job)->tenant() != tenant) return JobNotFound();
  return *std::move(*job);
}

absl::StatusOr<FullJob> StoreReader::GetFull(const std::string& tenant, const JobId& id) {
  const Snapshot snapshot(database_.get());
  auto job = Get(tenant, id);
  if (!job.ok()) return job.status();
  FullJob full;
  full.payload = rows_.FindPayload(job->row);
  full.history = rows_.FindHistory(job->row, 0);
  full.job = *std::move(job);
  return Checked(std::move(full));
}

absl::StatusOr<WatchStart> StoreReader::GetForWatch(const std::string& tenant, const JobId& id,
                                                    int64_t after_revision) {
  const Snapshot snapshot(database_.get());
  auto job = Get(tenant, id);
  if (!job.ok()) return job.status();
  WatchStart start;
  start.changes = rows_.FindHistory(job->row, after_revision);
  start.job = *std::move(job);
  return Checked(std::move(start));
}

absl::StatusOr<StoredResult> StoreReader::GetResult(const std::string& tenant, const JobId& id) {
  const Snapshot snapshot(database_.get());
  auto job = Get(tenant, id);
  if (!job.ok()) return job.status();
  switch (job->state) {
    case v1::Job::SUCCEEDED:
      break;
    case v1::Job::FAILED:
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_FAILED",
                          absl::StrCat("the job failed and has no result: ",
                                       job->error ? job->error->reason() : "", ": ",
                                       job->error ? job->error->message() : ""))
          .Build();
    case v1::Job::CANCELLED:
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_CANCELLED",
                          "the job was cancelled and has no result")
          .Build();
    default:
      return ErrorBuilder(absl::StatusCode::kNotFound, "RESULT_NOT_READY",
                          absl::StrCat("the job is ", v1::Job::State_Name(job->state),
                                       "; its result comes when it has SUCCEEDED"))
          .RetryAfter(absl::Seconds(1))
          .Build();
  }
  StoredResult result;
  result_.Bind(1, job->row);
  if (result_.Step()) {
    result.content_type = result_.String(0);
    result.body = result_.String(1);
  }
  result_.Reset();
  return Checked(std::move(result));
}

Statement& StoreReader::ChooseIndex(const ListQuery& query, int scan_limit) {
  // A state that few jobs have narrows more than any label.
  if (query.state.has_value() &&
      (query.labels.empty() || counts_->InState(query.tenant, *query.state) <= scan_limit)) {
    list_by_state_.Bind(5, int64_t{*query.state});
    return list_by_state_;
  }
  if (!query.labels.empty()) {
    list_by_label_.BindText(5, query.labels.front().first);
    list_by_label_.BindText(6, query.labels.front().second);
    return list_by_label_;
  }
  if (!query.type.empty()) {
    list_by_type_.BindText(5, query.type);
    return list_by_type_;
  }
  if (!query.queue.empty()) {
    list_by_queue_.BindText(5, query.queue);
    return list_by_queue_;
  }
  return list_all_;
}

absl::StatusOr<ListPage> StoreReader::List(const ListQuery& query) {
  const int scan_limit = query.page_size * kScanFactor;
  // Above every id, unless a page or a time bounds it.
  std::string below(16, '\xff');
  std::string from(16, '\0');
  if (query.created_until.has_value()) {
    below = std::string(JobId::LowestAt(*query.created_until).bytes());
  }
  if (query.created_from.has_value()) {
    from = std::string(JobId::LowestAt(*query.created_from).bytes());
  }
  if (query.before.has_value()) below = std::min(below, std::string(query.before->bytes()));

  Statement& statement = ChooseIndex(query, scan_limit);
  statement.BindText(1, query.tenant);
  statement.BindBlob(2, below);
  statement.BindBlob(3, from);
  statement.Bind(4, int64_t{scan_limit});
  ListPage page;
  int scanned = 0;
  std::optional<JobId> last;
  bool more = false;
  rows_.Scan(statement, [&](JobRecord job) {
    if (page.jobs.size() == static_cast<size_t>(query.page_size)) {
      more = true;
      return false;
    }
    ++scanned;
    last = job.id;
    if (Matches(query, job)) page.jobs.push_back(std::move(job));
    return true;
  });
  if (more || scanned == scan_limit) page.next_before = last;
  return Checked(std::move(page));
}

absl::StatusOr<std::vector<OutboxEntry>> StoreReader::ReadOutbox(const Lane& lane, int64_t after,
                                                                 int limit) {
  std::vector<OutboxEntry> entries;
  outbox_.BindText(1, lane.queue);
  outbox_.Bind(2, int64_t{lane.priority});
  outbox_.Bind(3, after);
  outbox_.Bind(4, int64_t{limit});
  while (outbox_.Step()) {
    entries.push_back({outbox_.Int(0), JobId::FromBytes(outbox_.Bytes(1)).value_or(JobId()),
                       outbox_.String(2), outbox_.Time(3)});
  }
  return Checked(std::move(entries));
}

absl::StatusOr<std::vector<JobRecord>> StoreReader::ReadActive() {
  std::vector<JobRecord> jobs;
  rows_.Scan(active_, [&](JobRecord job) {
    jobs.push_back(std::move(job));
    return true;
  });
  return Checked(std::move(jobs));
}

absl::StatusOr<std::vector<TypeRecord>> StoreReader::ReadTypes() {
  std::vector<TypeRecord> types;
  while (types_.Step()) types.push_back({types_.String(0), types_.String(1), types_.Time(2)});
  return Checked(std::move(types));
}

absl::StatusOr<std::vector<std::string>> StoreReader::ReadPausedQueues() {
  std::vector<std::string> queues;
  while (paused_.Step()) queues.push_back(paused_.String(0));
  return Checked(std::move(queues));
}

absl::StatusOr<std::vector<std::optional<absl::Time>>> StoreReader::ReadOldestReady(
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
