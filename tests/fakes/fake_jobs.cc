// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_jobs.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/job_state/job_state.h"
#include "common/limits/limits.h"

namespace buzzer::testing {
namespace {

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::ToInt64Seconds(duration));
  return proto;
}

absl::Status NotFound(absl::string_view reason) {
  return ErrorBuilder(absl::StatusCode::kNotFound, reason, "there is none").Build();
}

absl::Status Refused(absl::string_view reason, absl::string_view message) {
  return ErrorBuilder(absl::StatusCode::kFailedPrecondition, reason, message).Build();
}

absl::Status Unknown(absl::string_view reason, absl::string_view field,
                     const std::string& description) {
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, reason,
                      absl::StrCat("`", field, "`: ", description))
      .Field(field, description)
      .Build();
}

bool IsListed(const internal::v1::ListJobsRequest& request, const FakeJobs::Job& job) {
  if (job.submitted.tenant() != request.tenant()) return false;
  if (request.state() != v1::Job::STATE_UNSPECIFIED && job.job.state() != request.state()) {
    return false;
  }
  if (!request.type().empty() && job.job.type() != request.type()) return false;
  if (!request.queue().empty() && job.job.queue() != request.queue()) return false;
  const absl::Time created = FromTimestamp(job.job.create_time());
  if (request.has_created_from() && created < FromTimestamp(request.created_from())) return false;
  if (request.has_created_until() && created >= FromTimestamp(request.created_until())) {
    return false;
  }
  return std::all_of(request.labels().begin(), request.labels().end(), [&](const auto& label) {
    const auto it = job.job.labels().find(label.first);
    return it != job.job.labels().end() && it->second == label.second;
  });
}

// When a job is to run that is for later.
std::optional<absl::Time> RunAt(const internal::v1::NewJob& submitted) {
  if (submitted.has_run_at()) return FromTimestamp(submitted.run_at());
  if (submitted.has_delay()) return absl::Now() + absl::Seconds(submitted.delay().seconds());
  return std::nullopt;
}

}  // namespace

void FakeJobs::Announce(const std::string& type, const std::string& queue) {
  knows_all_ = false;
  types_.insert({type, queue});
  queues_.insert(queue);
}

void FakeJobs::Connect(const std::string& type, const std::string& queue) {
  Announce(type, queue);
  connected_.insert({type, queue});
}

absl::StatusOr<std::string> FakeJobs::ResolveQueue(const std::string& type,
                                                   const std::string& queue) const {
  if (knows_all_) return queue.empty() ? type : queue;
  std::set<std::string> known;
  std::set<std::string> queues;
  for (const auto& [one, waits_in] : types_) {
    known.insert(one);
    if (one == type) queues.insert(waits_in);
  }
  if (queues.empty()) {
    return Unknown("UNKNOWN_TYPE", "type",
                   absl::StrCat("\"", type, "\" is not a known job type; known are: ",
                                absl::StrJoin(known, ", ")));
  }
  if (queue.empty()) return queues.contains(type) ? type : *queues.begin();
  if (queues.contains(queue)) return queue;
  return Unknown("UNKNOWN_QUEUE", "queue",
                 absl::StrCat("no handler of type ", type, " serves queue \"", queue,
                              "\"; queues of this type are: ", absl::StrJoin(queues, ", ")));
}

std::optional<absl::StatusOr<FakeJobs::Job*>> FakeJobs::FindByKey(
    const internal::v1::NewJob& submitted) {
  if (submitted.idempotency_key().empty()) return std::nullopt;
  const auto it = keys_.find({submitted.tenant(), submitted.idempotency_key()});
  if (it == keys_.end()) return std::nullopt;
  const Key& key = it->second;
  if (key.version == submitted.request_hash_version() && key.hash != submitted.request_hash()) {
    return ErrorBuilder(absl::StatusCode::kAlreadyExists, "KEY_REUSED", "another request's")
        .Field("idempotency_key", "belongs to another request")
        .Build();
  }
  if (Job* const job = Find(key.job); job != nullptr) return job;
  return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_DELETED", "its job is deleted")
      .Field("idempotency_key", "its job has been deleted")
      .Build();
}

absl::StatusOr<FakeJobs::Job*> FakeJobs::Submit(const internal::v1::NewJob& submitted) {
  if (Job* const known = Find(submitted.id()); known != nullptr) {
    if (known->submitted.tenant() == submitted.tenant()) return known;
    return absl::AlreadyExistsError("the id belongs to another tenant");
  }
  if (auto known = FindByKey(submitted)) return *std::move(known);
  auto queue = ResolveQueue(submitted.type(), submitted.queue());
  if (!queue.ok()) return queue.status();
  return Insert(submitted, *queue);
}

FakeJobs::Job* FakeJobs::Insert(const internal::v1::NewJob& submitted, const std::string& queue) {
  const JobId id = *JobId::FromBytes(submitted.id());
  Job& job = jobs_[submitted.id()];
  job.submitted = submitted;
  v1::Job& shown = job.job;
  shown.set_id(id.ToString());
  shown.set_name(job_name_.empty() ? absl::StrCat("jobs/", id.ToString()) : job_name_);
  shown.set_type(submitted.type());
  shown.set_queue(queue);
  shown.set_priority(submitted.priority());
  *shown.mutable_labels() = submitted.labels();
  shown.set_payload_content_type(submitted.payload_content_type());
  shown.set_max_attempts(submitted.max_attempts() > 0 ? submitted.max_attempts()
                                                      : kDefaultMaxAttempts);
  if (submitted.has_retry()) *shown.mutable_retry() = submitted.retry();
  *shown.mutable_create_time() = ToTimestamp(id.time());
  if (submitted.has_attempt_timeout()) {
    *shown.mutable_attempt_timeout() = submitted.attempt_timeout();
  }
  *shown.mutable_lease() = submitted.has_lease() ? submitted.lease() : ToDuration(kDefaultLease);
  *shown.mutable_retention() =
      submitted.has_retention() ? submitted.retention() : ToDuration(kDefaultRetention);
  shown.set_idempotency_key(submitted.idempotency_key());
  const std::optional<absl::Time> run_at = RunAt(submitted);
  if (run_at.has_value()) *shown.mutable_run_at() = ToTimestamp(*run_at);
  const bool later = run_at.has_value() && *run_at > absl::Now();
  if (!submitted.idempotency_key().empty()) {
    keys_[{submitted.tenant(), submitted.idempotency_key()}] = {
        submitted.id(), submitted.request_hash(), submitted.request_hash_version()};
  }
  AddEvent(job, later ? v1::Job::SCHEDULED : v1::Job::QUEUED, "SUBMITTED");
  return &job;
}

FakeJobs::Job* FakeJobs::Find(const std::string& id) {
  const auto it = jobs_.find(id);
  return it == jobs_.end() ? nullptr : &it->second;
}

absl::StatusOr<FakeJobs::Job*> FakeJobs::FindOwned(const std::string& tenant,
                                                   const std::string& id) {
  Job* const job = Find(id);
  if (job == nullptr || job->submitted.tenant() != tenant) return NotFound("JOB_NOT_FOUND");
  return job;
}

v1::JobEvent& FakeJobs::AddEvent(Job& job, v1::Job::State state, const std::string& cause) {
  v1::Job& shown = job.job;
  if (state == v1::Job::RUNNING && shown.state() != v1::Job::RUNNING) {
    shown.set_attempt(shown.attempt() + 1);
    shown.clear_progress();
    shown.clear_error();
  }
  if (state == v1::Job::SUCCEEDED) {
    shown.mutable_result()->set_content_type(job.result.content_type());
    shown.mutable_result()->set_size(static_cast<int64_t>(job.result.body().size()));
    shown.clear_error();
  }
  if (IsTerminal(state)) job.retried = false;
  shown.set_revision(shown.revision() + 1);
  shown.set_state(state);
  *shown.mutable_update_time() = ToTimestamp(absl::Now());
  if (!job.events.empty() && job.events.back().cause() == "PROGRESS") job.events.pop_back();
  v1::JobEvent& event = job.events.emplace_back();
  event.set_revision(shown.revision());
  event.set_state(state);
  event.set_attempt(shown.attempt());
  *event.mutable_time() = shown.update_time();
  event.set_cause(cause);
  return event;
}

absl::Status FakeJobs::Cancel(Job& job, bool force) {
  const v1::Job::State before = job.job.state();
  if (before == v1::Job::CANCELLED) return absl::OkStatus();
  if (IsTerminal(before)) return Refused("JOB_FINISHED", "too late");
  if (IsWaiting(before)) {
    job.job.clear_error();
    AddEvent(job, v1::Job::CANCELLED, "CANCELLED");
  } else if (force) {
    job.job.mutable_error()->set_reason("FORCED");
    job.job.mutable_error()->set_attempt(job.job.attempt());
    *AddEvent(job, v1::Job::CANCELLED, "CANCEL_FORCED").mutable_error() = job.job.error();
  } else if (before != v1::Job::CANCELLING) {
    AddEvent(job, v1::Job::CANCELLING, "CANCEL_REQUESTED");
  }
  return absl::OkStatus();
}

absl::Status FakeJobs::Retry(Job& job) {
  if (job.retried) return absl::OkStatus();
  if (job.job.state() != v1::Job::FAILED && job.job.state() != v1::Job::CANCELLED) {
    return Refused("JOB_NOT_RETRYABLE", "it has not failed");
  }
  job.retried = true;
  job.job.set_failed_attempts(0);
  job.job.clear_error();
  job.job.clear_run_at();
  AddEvent(job, v1::Job::QUEUED, "RETRY_REQUESTED");
  return absl::OkStatus();
}

absl::Status FakeJobs::Delete(const Job& job) {
  if (!IsTerminal(job.job.state())) return Refused("JOB_NOT_FINISHED", "cancel it");
  jobs_.erase(std::string(job.submitted.id()));
  return absl::OkStatus();
}

absl::Status FakeJobs::ReleaseKey(const std::string& tenant, const std::string& key) {
  const auto it = keys_.find({tenant, key});
  if (it == keys_.end()) return NotFound("KEY_NOT_FOUND");
  if (Job* const job = Find(it->second.job); job != nullptr) {
    if (!IsTerminal(job->job.state())) return Refused("JOB_NOT_FINISHED", "cancel it");
    job->job.clear_idempotency_key();
  }
  keys_.erase(it);
  return absl::OkStatus();
}

v1::Job FakeJobs::Show(const Job& job) const {
  v1::Job shown = job.job;
  if (!IsWaiting(shown.state())) return shown;
  if (paused_.contains(shown.queue())) {
    shown.set_wait_reason(v1::Job::QUEUE_PAUSED);
  } else if (!knows_all_ && !connected_.contains({shown.type(), shown.queue()})) {
    shown.set_wait_reason(v1::Job::NO_WORKER);
  }
  return shown;
}

internal::v1::GetJobResponse FakeJobs::ShowFull(const Job& job) const {
  internal::v1::GetJobResponse response;
  *response.mutable_job() = Show(job);
  for (const v1::JobEvent& event : job.events) {
    if (event.cause() != "PROGRESS") *response.mutable_job()->add_history() = event;
  }
  response.set_payload(job.submitted.payload());
  response.set_payload_is_json(job.submitted.payload_is_json());
  return response;
}

v1::JobEvent FakeJobs::Snapshot(const Job& job) const {
  v1::JobEvent event;
  *event.mutable_job() = Show(job);
  event.set_revision(job.job.revision());
  event.set_state(job.job.state());
  event.set_attempt(job.job.attempt());
  *event.mutable_time() = job.job.update_time();
  event.set_cause("SNAPSHOT");
  if (job.job.has_progress()) *event.mutable_progress() = job.job.progress();
  if (job.job.has_error()) *event.mutable_error() = job.job.error();
  return event;
}

absl::StatusOr<internal::v1::GetJobResultResponse> FakeJobs::ResultOf(const Job& job) const {
  switch (job.job.state()) {
    case v1::Job::SUCCEEDED:
      return job.result;
    case v1::Job::FAILED:
      return Refused("JOB_FAILED", "it failed");
    case v1::Job::CANCELLED:
      return Refused("JOB_CANCELLED", "it was cancelled");
    default:
      return ErrorBuilder(absl::StatusCode::kNotFound, "RESULT_NOT_READY", "not yet")
          .RetryAfter(absl::Seconds(1))
          .Build();
  }
}

internal::v1::ListJobsResponse FakeJobs::List(const internal::v1::ListJobsRequest& request) const {
  internal::v1::ListJobsResponse response;
  std::string last;
  for (auto it = jobs_.rbegin(); it != jobs_.rend(); ++it) {
    const auto& [id, job] = *it;
    if (!request.before_id().empty() && id >= request.before_id()) continue;
    if (!IsListed(request, job)) continue;
    if (response.jobs_size() == request.page_size()) {
      response.set_next_before_id(last);
      break;
    }
    *response.add_jobs() = Show(job);
    last = id;
  }
  return response;
}

bool FakeJobs::KnowsQueue(const std::string& queue) const {
  return knows_all_ || queues_.contains(queue);
}

v1::Queue FakeJobs::ShowQueue(const std::string& tenant, const std::string& queue) const {
  v1::Queue shown;
  shown.set_name(absl::StrCat("queues/", queue));
  shown.set_paused(paused_.contains(queue));
  std::map<v1::Job::State, int64_t> counts;
  for (const auto& [id, job] : jobs_) {
    if (job.job.queue() == queue && job.submitted.tenant() == tenant) ++counts[job.job.state()];
  }
  shown.set_ready(counts[v1::Job::QUEUED]);
  shown.set_running(counts[v1::Job::RUNNING] + counts[v1::Job::CANCELLING]);
  shown.set_scheduled(counts[v1::Job::SCHEDULED]);
  shown.set_failed(counts[v1::Job::FAILED]);
  shown.set_succeeded(counts[v1::Job::SUCCEEDED]);
  shown.set_cancelled(counts[v1::Job::CANCELLED]);
  for (const auto& [type, waits_in] : types_) {
    if (waits_in == queue) shown.add_types(type);
  }
  return shown;
}

absl::StatusOr<v1::Queue> FakeJobs::GetQueue(const std::string& tenant,
                                             const std::string& queue) const {
  if (!KnowsQueue(queue)) return NotFound("QUEUE_NOT_FOUND");
  return ShowQueue(tenant, queue);
}

std::vector<v1::Queue> FakeJobs::ListQueues(const std::string& tenant) const {
  std::vector<v1::Queue> shown;
  for (const std::string& queue : queues_) shown.push_back(ShowQueue(tenant, queue));
  return shown;
}

absl::Status FakeJobs::SetPaused(const std::string& queue, bool paused) {
  if (!KnowsQueue(queue)) return NotFound("QUEUE_NOT_FOUND");
  if (paused) {
    paused_.insert(queue);
  } else {
    paused_.erase(queue);
  }
  return absl::OkStatus();
}

absl::Status FakeJobs::DeleteQueue(const std::string& queue) {
  const auto is_of_queue = [&](const Entry& entry) { return entry.second == queue; };
  if (std::any_of(connected_.begin(), connected_.end(), is_of_queue)) {
    return Refused("QUEUE_IN_USE", "a worker serves it");
  }
  for (const auto& [id, job] : jobs_) {
    if (job.job.queue() == queue && !IsTerminal(job.job.state())) {
      return Refused("QUEUE_IN_USE", "it has jobs");
    }
  }
  if (queues_.erase(queue) == 0) return NotFound("QUEUE_NOT_FOUND");
  std::erase_if(types_, is_of_queue);
  paused_.erase(queue);
  return absl::OkStatus();
}

absl::Status FakeJobs::DeleteType(const std::string& type) {
  const auto is_of_type = [&](const Entry& entry) { return entry.first == type; };
  if (std::any_of(connected_.begin(), connected_.end(), is_of_type)) {
    return Refused("TYPE_IN_USE", "a worker handles it");
  }
  if (std::erase_if(types_, is_of_type) == 0) return NotFound("TYPE_NOT_FOUND");
  return absl::OkStatus();
}

}  // namespace buzzer::testing
