// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/job_steps.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/fault_points/fault_points.h"
#include "common/job_state/job_state.h"
#include "common/limits/limits.h"
#include "services/state/steps/commit_crash_points.h"
#include "services/state/store/store_errors.h"

namespace buzzer::state {
namespace {

// A key outlives its deleted job until it is this old.
constexpr absl::Duration kKeyRetention = absl::Hours(24);
// So many jobs that wait for a retry are shifted at once.
constexpr int kShiftedAtOnce = 1000;

}  // namespace

JobSteps::JobSteps(std::unique_ptr<JobRows> rows, Parts parts)
    : rows_(std::move(rows)), parts_(std::move(parts)) {}

absl::Status JobSteps::Open() {
  if (absl::Status read = Summarize(); !read.ok()) return read;
  // The wall clock may have been stepped back while the store was closed. Who cannot write now
  // serves reads all the same.
  Begin({});
  ShiftRetries(absl::ZeroDuration());
  static_cast<void>(Commit());
  return broken() ? rows_->status() : absl::OkStatus();
}

absl::Status JobSteps::Summarize() {
  absl::StatusOr<StoreSummary> summary = rows_->Summarize();
  if (!summary.ok()) return summary.status();
  parts_.counts->Clear();
  CountTable::Deltas loaded;
  for (const QueueCounts& row : summary->counts) {
    for (int state = 0; state < 8; ++state) {
      if (row.by_state[state] == 0) continue;
      loaded[{row.queue, row.tenant, static_cast<JobState>(state)}] = row.by_state[state];
    }
  }
  parts_.counts->Apply(loaded);
  paused_ = {summary->paused_queues.begin(), summary->paused_queues.end()};
  last_position_ = std::max(last_position_, summary->last_position);
  return absl::OkStatus();
}

void JobSteps::Begin(const StepNeeds& needs) {
  writes_.Clear();
  keys_.clear();
  changes_.clear();
  deltas_.clear();
  waiting_delta_ = 0;
  admitted_ = 0;
  waiting_delta_by_queue_.clear();
  rows_->Begin();
  jobs_.Load(*rows_, needs.jobs);
  if (needs.keys.empty()) return;
  std::vector<std::optional<KeyRecord>> records = rows_->LoadKeys(needs.keys);
  for (size_t i = 0; i < records.size(); ++i) keys_[needs.keys[i]] = {std::move(records[i])};
}

void JobSteps::Flush() {
  for (auto& [name, key] : keys_) {
    if (key.changed) writes_.keys.push_back({name, key.record});
    key.changed = false;
  }
  rows_->Write(writes_);
  writes_.Clear();
  jobs_.EndBatch();
}

absl::Status JobSteps::Commit() {
  Flush();
  PassCrashPointsBefore(changes_);
  const JobRows::CommitResult result = rows_->Commit();
  if (result.status.ok()) {
    PassCrashPointsAfter(changes_);
    parts_.counts->Apply(deltas_);
    if (admitted_ > 0) parts_.admission->OnTaken();
    return absl::OkStatus();
  }
  jobs_.Clear();
  // A pause of this batch never was.
  if (!broken()) static_cast<void>(Summarize());
  if (result.full) return parts_.admission->RefuseForFullDisk(admitted_);
  if (result.in_doubt) {
    return ErrorBuilder(absl::StatusCode::kUnavailable, kCommitInDoubt,
                        "the state service's disk failed; whether it kept this is unknown")
        .RetryAfter(absl::Seconds(1))
        .Build();
  }
  return result.status;
}

absl::StatusOr<JobSteps::Entry*> JobSteps::FindOwned(const std::string& tenant, const JobId& id) {
  Entry* entry = Find(id);
  if (!rows_->status().ok()) return rows_->status();
  if (entry == nullptr || entry->row.job.tenant() != tenant) return JobNotFound();
  return entry;
}

JobSteps::Key& JobSteps::FindKey(const KeyName& name) {
  const auto known = keys_.find(name);
  if (known != keys_.end()) return known->second;
  return keys_[name] = {std::move(rows_->LoadKeys({name}).front())};
}

std::optional<absl::StatusOr<JobRecord>> JobSteps::FindByKey(const internal::v1::NewJob& job) {
  const std::optional<KeyRecord>& known = FindKey({job.tenant(), job.idempotency_key()}).record;
  if (!known.has_value()) return std::nullopt;
  // A hash of another version cannot be compared; the key alone decides then.
  if (known->hash_version == job.request_hash_version() && known->hash != job.request_hash()) {
    return ErrorBuilder(absl::StatusCode::kAlreadyExists, "KEY_REUSED",
                        "`idempotency_key`: belongs to another request; use a new key for a new "
                        "request, or repeat the old one unchanged")
        .Field("idempotency_key", "belongs to another request")
        .Build();
  }
  if (known->forget_at.has_value()) {
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_DELETED",
                        "`idempotency_key`: its job was accepted earlier and has been deleted; "
                        "use a new key to submit again")
        .Field("idempotency_key", "its job has been deleted")
        .Build();
  }
  absl::StatusOr<Entry*> entry = FindOwned(job.tenant(), known->job);
  if (!entry.ok()) return entry.status();
  return (*entry)->row.job;
}

JobWrite& JobSteps::WriteOf(Entry* entry) {
  if (entry->write < 0) {
    entry->write = static_cast<int>(writes_.jobs.size());
    writes_.jobs.emplace_back().row = &entry->row;
  }
  return writes_.jobs[entry->write];
}

absl::StatusOr<JobRecord> JobSteps::Submit(internal::v1::NewJob job) {
  const std::optional<JobId> id = JobId::FromBytes(job.id());
  if (!id.has_value()) return InvalidField("id", "must be 16 bytes");
  if (const Entry* known = Find(*id)) {
    if (known->row.job.tenant() == job.tenant()) return known->row.job;
    return absl::AlreadyExistsError("the id belongs to another tenant");
  }
  if (!job.idempotency_key().empty()) {
    if (auto known = FindByKey(job)) return *std::move(known);
  }
  if (!rows_->status().ok()) return rows_->status();
  if (job.queue().empty()) {
    return ErrorBuilder(absl::StatusCode::kInvalidArgument, kNoQueue, "the job has no queue")
        .Build();
  }
  absl::Status room = parts_.admission->Admit(
      job.queue(), parts_.counts->Waiting() + waiting_delta_,
      [&] { return parts_.counts->WaitingIn(job.queue()) + waiting_delta_by_queue_[job.queue()]; });
  if (!room.ok()) return room;
  ++admitted_;
  JobRow row;
  row.payload = std::move(*job.mutable_payload());
  std::string hash = std::move(*job.mutable_request_hash());
  job.clear_payload();
  job.clear_request_hash();
  std::string queue = job.queue();
  row.job = NewJobRecord(*id, std::move(job), std::move(queue), parts_.clock->Now());
  const HistoryEntry entry{row.job.revision, row.job.updated_at, row.job.state,
                           row.job.attempt,  Cause::kSubmitted,  std::nullopt};
  if (row.job.state == v1::Job::QUEUED) Enqueue(row.job);
  row.history.Append(entry);
  Entry* inserted = jobs_.Insert(std::move(row));
  WriteOf(inserted).is_new = true;
  const JobRecord& record = inserted->row.job;
  if (!record.spec->idempotency_key().empty()) {
    Key& key = FindKey({record.tenant(), record.spec->idempotency_key()});
    key.record = {std::move(hash), record.spec->request_hash_version(), record.id, std::nullopt};
    key.changed = true;
  }
  Count(record, record.state, 1);
  Tell(JobChange::Kind::kState, v1::Job::STATE_UNSPECIFIED, record, entry);
  return record;
}

void JobSteps::Enqueue(JobRecord& job) {
  // A job that is handed back keeps the place it had.
  if (job.queue_position != 0) return;
  last_position_ = std::max(last_position_ + 1, absl::ToUnixMicros(parts_.clock->Now()));
  job.queue_position = last_position_;
}

void JobSteps::Count(const JobRecord& job, JobState job_state, int64_t delta) {
  deltas_[{job.queue, job.tenant(), job_state}] += delta;
  if (IsWaiting(job_state)) {
    waiting_delta_ += delta;
    waiting_delta_by_queue_[job.queue] += delta;
  }
}

void JobSteps::Tell(JobChange::Kind kind, JobState before, const JobRecord& job,
                    HistoryEntry entry) {
  changes_.push_back({kind, before, job, std::move(entry)});
}

void JobSteps::Take(Entry* entry, JobState before, const Step& step) {
  JobRecord& job = entry->row.job;
  JobWrite& write = WriteOf(entry);
  write.changed = true;
  if (job.state == v1::Job::QUEUED) {
    if (step.cause != Cause::kHandedBack) job.queue_position = 0;
    Enqueue(job);
  }
  if (step.cause == Cause::kRetryRequested && job.result.has_value()) {
    job.result.reset();
    write.result_changed = true;
    write.result.reset();
  }
  HistoryEntry line{job.revision, job.updated_at, job.state, job.attempt, step.cause, step.error};
  entry->row.history.Append(line);
  Count(job, before, -1);
  Count(job, job.state, 1);
  Tell(JobChange::Kind::kState, before, job, std::move(line));
}

internal::v1::Granted JobSteps::MakeGranted(const JobRow& row) {
  const JobRecord& job = row.job;
  internal::v1::Granted granted;
  granted.set_attempt(job.attempt);
  granted.set_lease_id(job.lease_id);
  *granted.mutable_lease() = ToDuration(job.lease());
  granted.set_tenant(job.tenant());
  granted.set_type(job.type());
  granted.set_queue(job.queue);
  granted.set_payload(row.payload.has_value() ? *row.payload : rows_->LoadPayload(row));
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

ClaimResult JobSteps::Claim(const ClaimRequest& claim) {
  Entry* entry = Find(claim.job);
  if (entry == nullptr) return {};
  JobRecord& job = entry->row.job;
  const JobState before = job.state;
  const ClaimDecision decision =
      AnswerClaim(job, claim, paused_.contains(job.queue), parts_.clock->Now());
  ClaimResult result{decision.answer, std::nullopt};
  if (decision.step.has_value()) {
    Take(entry, before, *decision.step);
  } else if (decision.answer != ClaimAnswer::kNone && !decision.repeated) {
    WriteOf(entry).changed = true;  // Remembers the answer that was given.
    Tell(JobChange::Kind::kReturned, job.state, job);
  }
  if (decision.answer == ClaimAnswer::kGranted) result.granted = MakeGranted(entry->row);
  return result;
}

bool JobSteps::Finish(const OutcomeReport& report) {
  Entry* entry = Find(report.lease.job);
  if (entry == nullptr) return false;
  JobRecord& job = entry->row.job;
  // Planted bug, never in a real build: any outcome ends a job that runs.
  const bool unfenced = BUZZER_PLANTED("no_fencing") && IsActive(job.state);
  if (!unfenced && !HoldsLease(job, report.lease)) return HasFinished(job, report.lease);
  const JobState before = job.state;
  const absl::Time now = parts_.clock->Now();
  std::optional<Step> step;
  switch (report.kind) {
    case OutcomeReport::Kind::kSuccess: {
      v1::ResultInfo info;
      info.set_content_type(report.success.content_type());
      info.set_size(static_cast<int64_t>(report.success.result().size()));
      step = Succeed(job, std::move(info), now);
      if (step.has_value()) {
        JobWrite& write = WriteOf(entry);
        write.result_changed = true;
        write.result = report.success.result();
      }
      break;
    }
    case OutcomeReport::Kind::kFailure:
      step = Fail(job, report.failure, parts_.jitter, now);
      break;
    case OutcomeReport::Kind::kHandedBack:
      step = HandBack(job, now);
      break;
  }
  if (!step.has_value()) return false;
  Take(entry, before, *step);
  return true;
}

void JobSteps::ReportProgress(const ProgressReport& report) {
  Entry* entry = Find(report.lease.job);
  if (entry == nullptr || !HoldsLease(entry->row.job, report.lease)) return;
  JobRecord& job = entry->row.job;
  ++job.revision;
  job.updated_at = parts_.clock->Now();
  ProgressRecord progress{job.attempt,
                          job.revision,
                          report.progress.fraction(),
                          report.progress.message(),
                          job.progress.has_value() ? std::move(job.progress->data) : "",
                          job.updated_at};
  if (report.progress.has_data()) progress.data = report.progress.data().SerializeAsString();
  job.progress = std::move(progress);
  WriteOf(entry).progressed = true;
  Tell(JobChange::Kind::kProgress, job.state, job);
}

void JobSteps::LoseLease(const LeaseLoss& loss) {
  Entry* entry = Find(loss.lease.job);
  if (entry == nullptr || !HoldsLease(entry->row.job, loss.lease)) return;
  const JobState before = entry->row.job.state;
  const auto step =
      buzzer::state::LoseLease(entry->row.job, loss.cause, parts_.jitter, parts_.clock->Now());
  if (step.has_value()) Take(entry, before, *step);
}

absl::StatusOr<JobRecord> JobSteps::Cancel(const std::string& tenant, const JobId& id, bool force) {
  const absl::StatusOr<Entry*> entry = FindOwned(tenant, id);
  if (!entry.ok()) return entry.status();
  JobRecord& job = (*entry)->row.job;
  const JobState before = job.state;
  const absl::Time now = parts_.clock->Now();
  auto step = force ? ForceCancel(job, now) : RequestCancel(job, now);
  if (!step.ok()) return step.status();
  if (step->has_value()) Take(*entry, before, **step);
  return job;
}

absl::StatusOr<JobRecord> JobSteps::Retry(const std::string& tenant, const JobId& id) {
  const absl::StatusOr<Entry*> entry = FindOwned(tenant, id);
  if (!entry.ok()) return entry.status();
  JobRecord& job = (*entry)->row.job;
  const JobState before = job.state;
  auto step = RequestRetry(job, parts_.clock->Now());
  if (!step.ok()) return step.status();
  if (step->has_value()) Take(*entry, before, **step);
  return job;
}

absl::Status JobSteps::Delete(const std::string& tenant, const JobId& id) {
  const absl::StatusOr<Entry*> entry = FindOwned(tenant, id);
  if (!entry.ok()) return entry.status();
  const JobRecord& job = (*entry)->row.job;
  if (!IsTerminal(job.state)) {
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED",
                        absl::StrCat("the job is ", v1::Job::State_Name(job.state),
                                     "; cancel it, or wait for its end, before deleting it"))
        .Build();
  }
  Remove(*entry);
  return absl::OkStatus();
}

absl::Status JobSteps::ReleaseKey(const std::string& tenant, const std::string& name) {
  Key& key = FindKey({tenant, name});
  Entry* entry = key.record.has_value() ? Find(key.record->job) : nullptr;
  if (!rows_->status().ok()) return rows_->status();
  if (!key.record.has_value()) {
    return ErrorBuilder(absl::StatusCode::kNotFound, "KEY_NOT_FOUND",
                        "no submit of the last 24 h and no job that is kept used this key")
        .Build();
  }
  if (entry != nullptr) {
    JobRecord& job = entry->row.job;
    if (!IsTerminal(job.state)) {
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED",
                          absl::StrCat("the key's job, jobs/", job.id.ToString(), ", is ",
                                       v1::Job::State_Name(job.state),
                                       ", and would be done twice; cancel it, or wait for its end"))
          .Build();
    }
    // Or the end of its retention would take the key from the job that has it then.
    auto spec = std::make_shared<internal::v1::NewJob>(*job.spec);
    spec->clear_idempotency_key();
    spec->clear_request_hash_version();
    job.spec = std::move(spec);
    WriteOf(entry).spec_changed = true;
  }
  key.record.reset();
  key.changed = true;
  return absl::OkStatus();
}

void JobSteps::Remove(Entry* entry) {
  const JobRecord& job = entry->row.job;
  WriteOf(entry).deleted = true;
  jobs_.Remove(entry);
  if (const std::string& name = job.spec->idempotency_key(); !name.empty()) {
    Key& key = FindKey({job.tenant(), name});
    const absl::Time forget_at = job.id.time() + kKeyRetention;
    if (forget_at <= parts_.clock->Now()) {
      key.record.reset();
    } else if (key.record.has_value()) {
      key.record->forget_at = forget_at;
    }
    key.changed = true;
  }
  Count(job, job.state, -1);
  Tell(JobChange::Kind::kDeleted, job.state, job);
}

JobStore::TimerResult JobSteps::RunTimers(int limit) {
  // The queries have to see what the batch did before.
  Flush();
  const absl::Time now = parts_.clock->Now();
  const std::vector<JobId> due = rows_->FindDue(now, limit);
  jobs_.Load(*rows_, due);
  for (const JobId& id : due) {
    Entry* entry = Find(id);
    if (entry == nullptr) continue;
    JobRecord& job = entry->row.job;
    if (IsTerminal(job.state)) {
      Remove(entry);
      continue;
    }
    const JobState before = job.state;
    const bool deadline_passed = job.deadline_at.has_value() && *job.deadline_at <= now;
    const auto step = deadline_passed ? PassDeadline(job, now) : BecomeDue(job, now);
    if (step.has_value()) Take(entry, before, *step);
  }
  writes_.forget_before = now;
  Flush();
  return {static_cast<int>(due.size()), rows_->NextWake()};
}

void JobSteps::ShiftRetries(absl::Duration step) {
  Flush();
  const absl::Time now = parts_.clock->Now();
  std::optional<JobId> last;
  while (true) {
    const std::vector<JobId> retrying = rows_->FindRetrying(last, kShiftedAtOnce);
    if (retrying.empty()) return;
    last = retrying.back();
    jobs_.Load(*rows_, retrying);
    for (const JobId& id : retrying) {
      Entry* entry = Find(id);
      if (entry != nullptr && ShiftRetry(entry->row.job, step, now)) WriteOf(entry).changed = true;
    }
    Flush();
  }
}

void JobSteps::SetPaused(const std::string& queue, bool paused) {
  writes_.paused.emplace_back(queue, paused);
  if (paused) {
    paused_.insert(queue);
  } else {
    paused_.erase(queue);
  }
}

void JobSteps::SaveType(const TypeRecord& type) { writes_.types.push_back(type); }

}  // namespace buzzer::state
