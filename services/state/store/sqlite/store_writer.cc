// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/store_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/fault_points/fault_points.h"
#include "common/job_state/job_state.h"
#include "common/limits/limits.h"
#include "services/state/store/sqlite/commit_crash_points.h"
#include "services/state/store/sqlite/free_disk.h"
#include "services/state/store/sqlite/store_errors.h"

namespace buzzer::state {
namespace {

// A key outlives its deleted job until it is this old.
constexpr absl::Duration kKeyRetention = absl::Hours(24);
constexpr absl::Duration kDiskCheckInterval = absl::Seconds(1);

}  // namespace

StoreWriter::StoreWriter(std::unique_ptr<Database> database, std::string directory,
                         const Clock* clock, JitterDraw jitter, AdmissionLimits limits,
                         CountTable* counts, RefusalCounts* refused)
    : database_(std::move(database)),
      directory_(std::move(directory)),
      clock_(clock),
      jitter_(std::move(jitter)),
      limits_(std::move(limits)),
      counts_(counts),
      refused_(refused),
      rows_(database_.get()),
      writer_(database_.get()),
      find_key_(database_->Prepare("SELECT hash, hash_version, id, forget_at FROM idempotency_keys"
                                   " WHERE tenant = ? AND key = ?")),
      insert_key_(database_->Prepare(absl::StrCat(
          BUZZER_PLANTED("idempotency_outside_transaction") ? "INSERT OR REPLACE" : "INSERT",
          " INTO idempotency_keys (tenant, key, hash, hash_version, id)"
          " VALUES (?, ?, ?, ?, ?)"))),
      keep_key_(database_->Prepare(
          "UPDATE idempotency_keys SET forget_at = ? WHERE tenant = ? AND key = ?")),
      delete_key_(database_->Prepare("DELETE FROM idempotency_keys WHERE tenant = ? AND key = ?")),
      forget_keys_(database_->Prepare("DELETE FROM idempotency_keys WHERE forget_at <= ?")),
      add_count_(database_->Prepare(
          "INSERT INTO counts (queue, tenant, state, jobs) VALUES (?1, ?2, ?3, ?4)"
          " ON CONFLICT (queue, tenant, state) DO UPDATE SET jobs = jobs + ?4")),
      save_type_(database_->Prepare(
          "INSERT OR REPLACE INTO types (type, queue, last_seen) VALUES (?, ?, ?)")),
      forget_types_(database_->Prepare("DELETE FROM types WHERE last_seen < ?")),
      pause_(database_->Prepare("INSERT OR IGNORE INTO paused_queues (queue) VALUES (?)")),
      resume_(database_->Prepare("DELETE FROM paused_queues WHERE queue = ?")),
      due_(rows_.PrepareScan("WHERE j.wake_at <= ? ORDER BY j.wake_at LIMIT ?")),
      next_wake_(database_->Prepare("SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL")),
      // ?1: the step. ?2: now. None waits longer than it was to at its failure.
      shift_retries_(
          database_->Prepare("UPDATE jobs SET run_at = shifted.at,"
                             " wake_at = min(shifted.at, ifnull(jobs.deadline_at, shifted.at))"
                             " FROM (SELECT n, min(run_at + ?1, ?2 + retry_delay) AS at"
                             "       FROM jobs WHERE state = 1 AND failed_attempts > 0) AS shifted"
                             " WHERE jobs.n = shifted.n AND jobs.run_at <> shifted.at")),
      full_log_(clock) {
  LoadMemory();
  CapRetries();
}

void StoreWriter::LoadMemory() {
  CountTable::Deltas loaded;
  Statement counts = database_->Prepare("SELECT queue, tenant, state, jobs FROM counts");
  while (counts.Step()) {
    loaded[{counts.String(0), counts.String(1), static_cast<JobState>(counts.Int(2))}] =
        counts.Int(3);
  }
  counts_->Clear();
  counts_->Apply(loaded);
  LoadPaused();
  // An active job may be handed back to the place that it had.
  Statement position = database_->Prepare(
      "SELECT max((SELECT ifnull(max(position), 0) FROM outbox),"
      " (SELECT ifnull(max(queue_position), 0) FROM jobs WHERE state IN (3, 4)))");
  if (position.Step()) last_position_ = std::max(last_position_, position.Int(0));
  position.Reset();
}

void StoreWriter::LoadPaused() {
  paused_.clear();
  Statement paused = database_->Prepare("SELECT queue FROM paused_queues");
  while (paused.Step()) paused_.insert(paused.String(0));
}

void StoreWriter::CapRetries() {
  if (!database_->ok()) return;
  ShiftRetries(absl::ZeroDuration());
  // Who cannot write now serves reads all the same.
  if (!database_->broken()) database_->ClearStatus();
}

void StoreWriter::Begin() {
  database_->ClearStatus();
  changes_.clear();
  deltas_.clear();
  waiting_delta_ = 0;
  admitted_ = 0;
  waiting_delta_by_queue_.clear();
  database_->Execute("BEGIN IMMEDIATE");
}

absl::Status StoreWriter::Commit() {
  for (const auto& [key, delta] : deltas_) {
    if (delta == 0) continue;
    const auto& [queue, tenant, job_state] = key;
    add_count_.BindText(1, queue);
    add_count_.BindText(2, tenant);
    add_count_.Bind(3, int64_t{job_state});
    add_count_.Bind(4, delta);
    add_count_.Run();
  }
  const bool all_written = database_->ok();
  PassCrashPointsBefore(changes_);
  database_->Execute("COMMIT");
  if (!database_->ok()) {
    absl::Status why = database_->status();
    const bool full = database_->full();
    database_->ClearStatus();
    // Fails, harmlessly, if SQLite has rolled back already.
    database_->Execute("ROLLBACK");
    database_->ClearStatus();
    recent_.Clear();
    LoadPaused();
    if (full) return RefuseAll(Refusal::kDiskFull, "the disk is full", admitted_);
    if (all_written && database_->broken()) {
      return ErrorBuilder(absl::StatusCode::kUnavailable, kCommitInDoubt,
                          "the state service's disk failed; whether it kept this is unknown")
          .RetryAfter(absl::Seconds(1))
          .Build();
    }
    return why;
  }
  PassCrashPointsAfter(changes_);
  counts_->Apply(deltas_);
  if (admitted_ > 0) full_log_.OnTaken();
  return absl::OkStatus();
}

std::optional<JobRecord> StoreWriter::Find(const JobId& id) {
  if (const JobRecord* recent = recent_.Find(id)) return *recent;
  return rows_.Find(id);
}

void StoreWriter::Update(const JobRecord& job) {
  writer_.Update(job);
  recent_.Put(job);
}

absl::StatusOr<JobRecord> StoreWriter::FindOwned(const std::string& tenant, const JobId& id) {
  std::optional<JobRecord> job = Find(id);
  if (!database_->ok()) return database_->status();
  if (!job.has_value() || job->tenant() != tenant) return JobNotFound();
  return *std::move(job);
}

std::optional<absl::StatusOr<JobRecord>> StoreWriter::FindByKey(const internal::v1::NewJob& job) {
  find_key_.BindText(1, job.tenant()).BindText(2, job.idempotency_key());
  if (!find_key_.Step()) return std::nullopt;
  // A hash of another version cannot be compared; the key alone decides then.
  const bool same = find_key_.Int(1) != job.request_hash_version() ||
                    find_key_.Bytes(0) == absl::string_view(job.request_hash());
  const std::optional<JobId> id = JobId::FromBytes(find_key_.Bytes(2));
  const bool deleted = !find_key_.IsNull(3);
  find_key_.Reset();
  // Planted bug, never in a real build: a look that was taken 50 ms before the transaction
  // does not see what is younger.
  if (BUZZER_PLANTED("idempotency_outside_transaction") && id.has_value() &&
      clock_->Now() - id->time() < absl::Milliseconds(50)) {
    return std::nullopt;
  }
  if (!same) {
    return ErrorBuilder(absl::StatusCode::kAlreadyExists, "KEY_REUSED",
                        "`idempotency_key`: belongs to another request; use a new key for a new "
                        "request, or repeat the old one unchanged")
        .Field("idempotency_key", "belongs to another request")
        .Build();
  }
  if (deleted || !id.has_value()) {
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_DELETED",
                        "`idempotency_key`: its job was accepted earlier and has been deleted; "
                        "use a new key to submit again")
        .Field("idempotency_key", "its job has been deleted")
        .Build();
  }
  return FindOwned(job.tenant(), *id);
}

absl::Status StoreWriter::Admit(const internal::v1::NewJob& job) {
  const auto limit = limits_.max_waiting_by_queue.find(job.queue());
  if (limit != limits_.max_waiting_by_queue.end() &&
      counts_->WaitingIn(job.queue()) + waiting_delta_by_queue_[job.queue()] >= limit->second) {
    refused_->Add(Refusal::kQueueFull, 1);
    return ErrorBuilder(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                        absl::StrCat("queue ", job.queue(), " has its limit of ", limit->second,
                                     " waiting jobs"))
        .RetryAfter(absl::Seconds(5))
        .Build();
  }
  if (counts_->Waiting() + waiting_delta_ >= limits_.max_waiting) {
    return RefuseAll(Refusal::kWaitingJobs,
                     absl::StrCat("the limit of ", limits_.max_waiting, " waiting jobs is reached"),
                     1);
  }
  const absl::Duration now = clock_->Monotonic();
  if (now - disk_checked_at_ >= kDiskCheckInterval) {
    disk_checked_at_ = now;
    disk_low_ = FreeDisk(directory_).value_or(limits_.min_free_disk) < limits_.min_free_disk;
  }
  if (disk_low_) return RefuseAll(Refusal::kDiskLow, "the disk has too little free space", 1);
  ++admitted_;
  return absl::OkStatus();
}

absl::Status StoreWriter::RefuseAll(Refusal refusal, const std::string& why, int64_t submits) {
  refused_->Add(refusal, submits);
  full_log_.OnRefused(RefusalName(refusal), why);
  return ErrorBuilder(absl::StatusCode::kUnavailable, kStoreFull,
                      absl::StrCat("no new jobs are accepted now: ", why))
      .RetryAfter(absl::Seconds(10))
      .Build();
}

absl::StatusOr<JobRecord> StoreWriter::Submit(internal::v1::NewJob job) {
  const std::optional<JobId> id = JobId::FromBytes(job.id());
  if (!id.has_value()) return InvalidField("id", "must be 16 bytes");
  if (rows_.Exists(*id)) {
    if (auto known = FindOwned(job.tenant(), *id); known.ok()) return known;
    return absl::AlreadyExistsError("the id belongs to another tenant");
  }
  if (!job.idempotency_key().empty()) {
    if (auto known = FindByKey(job)) return *std::move(known);
  }
  if (absl::Status refused = Admit(job); !refused.ok()) return refused;
  const std::string payload = std::move(*job.mutable_payload());
  const std::string hash = job.request_hash();
  job.clear_payload();
  job.clear_request_hash();
  const std::string queue = job.queue();
  JobRecord record = NewJobRecord(*id, std::move(job), queue, clock_->Now());
  const HistoryEntry entry{record.revision, record.updated_at, record.state,
                           record.attempt,  Cause::kSubmitted,   std::nullopt};
  if (record.state == v1::Job::QUEUED) Enqueue(record);
  writer_.Insert(record, payload);
  writer_.InsertHistory(record.row, entry);
  if (!record.spec->idempotency_key().empty()) {
    insert_key_.BindText(1, record.tenant());
    insert_key_.BindText(2, record.spec->idempotency_key());
    insert_key_.BindBlob(3, hash);
    insert_key_.Bind(4, int64_t{record.spec->request_hash_version()});
    insert_key_.BindBlob(5, record.id.bytes());
    insert_key_.Run();
  }
  Count(record, record.state, 1);
  recent_.Put(record);
  Tell(JobChange::Kind::kState, v1::Job::STATE_UNSPECIFIED, record, entry);
  return record;
}

void StoreWriter::Enqueue(JobRecord& job) {
  // A job that is handed back keeps the place it had.
  if (job.queue_position == 0) {
    last_position_ = std::max(last_position_ + 1, absl::ToUnixMicros(clock_->Now()));
    job.queue_position = last_position_;
  }
  // Planted bug, never in a real build: DispatchLane sends it from memory, without a row.
  if (BUZZER_PLANTED("publish_without_outbox")) return;
  writer_.InsertOutbox(job);
}

void StoreWriter::Count(const JobRecord& job, JobState job_state, int64_t delta) {
  deltas_[{job.queue, job.tenant(), job_state}] += delta;
  if (IsWaiting(job_state)) {
    waiting_delta_ += delta;
    waiting_delta_by_queue_[job.queue] += delta;
  }
}

void StoreWriter::Tell(JobChange::Kind kind, JobState before, JobRecord job, HistoryEntry entry) {
  changes_.push_back({kind, before, std::move(job), std::move(entry)});
}

void StoreWriter::Persist(const Before& before, JobRecord& after, const Step& step) {
  if (before.state == v1::Job::QUEUED) writer_.DeleteOutbox(after, before.queue_position);
  if (after.state == v1::Job::QUEUED) {
    if (step.cause != Cause::kHandedBack) after.queue_position = 0;
    Enqueue(after);
  }
  if (step.cause == Cause::kRetryRequested) {
    after.result.reset();
    writer_.DeleteResult(after.row);
  }
  Update(after);
  const HistoryEntry entry{after.revision, after.updated_at, after.state,
                           after.attempt,  step.cause,       step.error};
  writer_.InsertHistory(after.row, entry);
  Count(after, before.state, -1);
  Count(after, after.state, 1);
  Tell(JobChange::Kind::kState, before.state, after, entry);
}

internal::v1::Granted StoreWriter::MakeGranted(const JobRecord& job) {
  internal::v1::Granted granted;
  granted.set_attempt(job.attempt);
  granted.set_lease_id(job.lease_id);
  *granted.mutable_lease() = ToDuration(job.lease());
  granted.set_tenant(job.tenant());
  granted.set_type(job.type());
  granted.set_queue(job.queue);
  granted.set_payload(rows_.FindPayload(job.row));
  granted.set_payload_content_type(job.spec->payload_content_type());
  *granted.mutable_labels() = job.spec->labels();
  if (job.attempt_timeout > absl::ZeroDuration()) {
    *granted.mutable_attempt_timeout() = ToDuration(job.attempt_timeout);
  }
  if (job.deadline_at.has_value()) {
    *granted.mutable_deadline_time() = ToTimestamp(*job.deadline_at);
  }
  if (job.progress.has_value() && !job.progress->data.empty()) {
    granted.mutable_checkpoint()->ParseFromString(job.progress->data);
  }
  granted.set_last_attempt(job.failed_attempts + 1 >= job.max_attempts());
  return granted;
}

ClaimResult StoreWriter::Claim(const ClaimRequest& claim) {
  std::optional<JobRecord> job = Find(claim.job);
  if (!job.has_value()) return {};
  const Before before(*job);
  const ClaimDecision decision =
      AnswerClaim(*job, claim, paused_.contains(job->queue), clock_->Now());
  ClaimResult result{decision.answer, std::nullopt};
  if (decision.step.has_value()) {
    Persist(before, *job, *decision.step);
  } else if (decision.answer != ClaimAnswer::kNone && !decision.repeated) {
    Update(*job);  // Remembers the answer that was given.
    Tell(JobChange::Kind::kReturned, job->state, *job);
  }
  if (decision.answer == ClaimAnswer::kGranted) result.granted = MakeGranted(*job);
  return result;
}

bool StoreWriter::Finish(const OutcomeReport& report) {
  std::optional<JobRecord> job = Find(report.lease.job);
  if (!job.has_value()) return false;
  // Planted bug, never in a real build: any outcome ends a job that runs.
  const bool unfenced = BUZZER_PLANTED("no_fencing") && IsActive(job->state);
  if (!unfenced && !HoldsLease(*job, report.lease)) return HasFinished(*job, report.lease);
  const Before before(*job);
  std::optional<Step> step;
  switch (report.kind) {
    case OutcomeReport::Kind::kSuccess: {
      v1::ResultInfo info;
      info.set_content_type(report.success.content_type());
      info.set_size(static_cast<int64_t>(report.success.result().size()));
      step = Succeed(*job, std::move(info), clock_->Now());
      if (step.has_value()) writer_.PutResult(job->row, report.success);
      break;
    }
    case OutcomeReport::Kind::kFailure:
      step = Fail(*job, report.failure, jitter_, clock_->Now());
      break;
    case OutcomeReport::Kind::kHandedBack:
      step = HandBack(*job, clock_->Now());
      break;
  }
  if (!step.has_value()) return false;
  Persist(before, *job, *step);
  return true;
}

void StoreWriter::ReportProgress(const ProgressReport& report) {
  std::optional<JobRecord> job = Find(report.lease.job);
  if (!job.has_value() || !HoldsLease(*job, report.lease)) return;
  ++job->revision;
  job->updated_at = clock_->Now();
  ProgressRecord progress{job->attempt,
                          job->revision,
                          report.progress.fraction(),
                          report.progress.message(),
                          job->progress.has_value() ? job->progress->data : "",
                          job->updated_at};
  if (report.progress.has_data()) progress.data = report.progress.data().SerializeAsString();
  job->progress = std::move(progress);
  writer_.PutProgress(job->row, *job->progress);
  Update(*job);
  const JobState unchanged = job->state;
  Tell(JobChange::Kind::kProgress, unchanged, *std::move(job));
}

void StoreWriter::LoseLease(const LeaseLoss& loss) {
  std::optional<JobRecord> job = Find(loss.lease.job);
  if (!job.has_value() || !HoldsLease(*job, loss.lease)) return;
  const Before before(*job);
  const auto step = buzzer::state::LoseLease(*job, loss.cause, jitter_, clock_->Now());
  if (step.has_value()) Persist(before, *job, *step);
}

absl::StatusOr<JobRecord> StoreWriter::Cancel(const std::string& tenant, const JobId& id,
                                              bool force) {
  absl::StatusOr<JobRecord> job = FindOwned(tenant, id);
  if (!job.ok()) return job;
  const Before before(*job);
  auto step = force ? ForceCancel(*job, clock_->Now()) : RequestCancel(*job, clock_->Now());
  if (!step.ok()) return step.status();
  if (step->has_value()) Persist(before, *job, **step);
  return job;
}

absl::StatusOr<JobRecord> StoreWriter::Retry(const std::string& tenant, const JobId& id) {
  absl::StatusOr<JobRecord> job = FindOwned(tenant, id);
  if (!job.ok()) return job;
  const Before before(*job);
  auto step = RequestRetry(*job, clock_->Now());
  if (!step.ok()) return step.status();
  if (step->has_value()) Persist(before, *job, **step);
  return job;
}

absl::Status StoreWriter::Delete(const std::string& tenant, const JobId& id) {
  absl::StatusOr<JobRecord> job = FindOwned(tenant, id);
  if (!job.ok()) return job.status();
  if (!IsTerminal(job->state)) {
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED",
                        absl::StrCat("the job is ", v1::Job::State_Name(job->state),
                                     "; cancel it, or wait for its end, before deleting it"))
        .Build();
  }
  Remove(*job);
  return absl::OkStatus();
}

absl::Status StoreWriter::ReleaseKey(const std::string& tenant, const std::string& key) {
  std::optional<JobId> id;
  find_key_.BindText(1, tenant).BindText(2, key);
  const bool known = find_key_.Step();
  if (known) id = JobId::FromBytes(find_key_.Bytes(2));
  find_key_.Reset();
  std::optional<JobRecord> job = id.has_value() ? Find(*id) : std::nullopt;
  if (!database_->ok()) return database_->status();
  if (!known) {
    return ErrorBuilder(absl::StatusCode::kNotFound, "KEY_NOT_FOUND",
                        "no submit of the last 24 h and no job that is kept used this key")
        .Build();
  }
  if (job.has_value()) {
    if (!IsTerminal(job->state)) {
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED",
                          absl::StrCat("the key's job, jobs/", id->ToString(), ", is ",
                                       v1::Job::State_Name(job->state),
                                       ", and would be done twice; cancel it, or wait for its end"))
          .Build();
    }
    // Or the end of its retention would take the key from the job that has it then.
    auto spec = std::make_shared<internal::v1::NewJob>(*job->spec);
    spec->clear_idempotency_key();
    spec->clear_request_hash_version();
    job->spec = std::move(spec);
    writer_.UpdateSpec(*job);
    recent_.Drop(job->id);
  }
  delete_key_.BindText(1, tenant).BindText(2, key).Run();
  return absl::OkStatus();
}

void StoreWriter::Remove(const JobRecord& job) {
  writer_.Delete(job);
  recent_.Drop(job.id);
  if (const std::string& key = job.spec->idempotency_key(); !key.empty()) {
    const absl::Time forget_at = job.id.time() + kKeyRetention;
    if (forget_at <= clock_->Now()) {
      delete_key_.BindText(1, job.tenant()).BindText(2, key).Run();
    } else {
      keep_key_.BindTime(1, forget_at).BindText(2, job.tenant()).BindText(3, key).Run();
    }
  }
  Count(job, job.state, -1);
  Tell(JobChange::Kind::kDeleted, job.state, job);
}

JobStore::TimerResult StoreWriter::RunTimers(int limit) {
  const absl::Time now = clock_->Now();
  std::vector<JobRecord> jobs;
  due_.BindTime(1, now).Bind(2, int64_t{limit});
  rows_.Scan(due_, [&](JobRecord job) {
    jobs.push_back(std::move(job));
    return true;
  });
  for (JobRecord& job : jobs) {
    if (IsTerminal(job.state)) {
      Remove(job);
      continue;
    }
    const Before before(job);
    const bool deadline_passed = job.deadline_at.has_value() && *job.deadline_at <= now;
    const auto step = deadline_passed ? PassDeadline(job, now) : BecomeDue(job, now);
    if (step.has_value()) Persist(before, job, *step);
  }
  forget_keys_.BindTime(1, now).Run();
  forget_types_.BindTime(1, now - kTypeRetention).Run();
  JobStore::TimerResult result;
  result.changed = static_cast<int>(jobs.size());
  if (next_wake_.Step()) result.next = next_wake_.OptionalTime(0);
  next_wake_.Reset();
  return result;
}

void StoreWriter::ShiftRetries(absl::Duration step) {
  shift_retries_.Bind(1, absl::ToInt64Microseconds(step));
  shift_retries_.BindTime(2, clock_->Now()).Run();
  recent_.Clear();
}

void StoreWriter::SetPaused(const std::string& queue, bool paused) {
  if (paused) {
    pause_.BindText(1, queue).Run();
    paused_.insert(queue);
  } else {
    resume_.BindText(1, queue).Run();
    paused_.erase(queue);
  }
}

void StoreWriter::SaveType(const TypeRecord& type) {
  save_type_.BindText(1, type.type).BindText(2, type.queue).BindTime(3, type.last_seen).Run();
}

}  // namespace buzzer::state
