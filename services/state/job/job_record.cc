// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/job_record.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "common/times/times.h"
#include "services/state/boundary/values.h"
#include "services/state/job/retry_policy.h"

namespace buzzer::state {

std::shared_ptr<const internal::v1::NewJob> JobRecord::NoSpec() {
  static const auto* const kNone =
      new std::shared_ptr<const internal::v1::NewJob>(std::make_shared<internal::v1::NewJob>());
  return *kNone;
}

absl::Duration JobRecord::lease() const {
  return spec->has_lease() ? FromDuration(spec->lease()) : kDefaultLease;
}

absl::Duration JobRecord::retention() const {
  return spec->has_retention() ? FromDuration(spec->retention()) : kDefaultRetention;
}

int32_t JobRecord::max_attempts() const {
  if (spec->max_attempts() > 0) return spec->max_attempts();
  return handler_max_attempts > 0 ? handler_max_attempts : kDefaultMaxAttempts;
}

v1::RetryPolicy JobRecord::retry() const {
  return EffectivePolicy(spec->retry(), handler_retry != nullptr
                                            ? *handler_retry
                                            : v1::RetryPolicy::default_instance());
}

std::optional<absl::Time> WakeTime(const JobRecord& job) {
  if (IsTerminal(job.state)) return job.purge_at;
  // A CANCELLING job is on its way out already.
  std::optional<absl::Time> wake =
      job.state == v1::Job::CANCELLING ? std::nullopt : job.deadline_at;
  if (job.state == v1::Job::SCHEDULED && job.run_at.has_value()) {
    wake = wake.has_value() ? std::min(*wake, *job.run_at) : *job.run_at;
  }
  return wake;
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  // However it came to be stored: a time that is none would take a whole list along.
  time = std::clamp(time, MinTimestamp(), MaxTimestamp());
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(
      absl::ToInt64Microseconds(time - absl::FromUnixSeconds(seconds)) * 1000));
  return timestamp;
}

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration proto;
  duration = std::clamp(duration, -kMaxProtoDuration, kMaxProtoDuration);
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return std::clamp(
      absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos()),
      MinTimestamp(), MaxTimestamp());
}

absl::Duration FromDuration(const google::protobuf::Duration& duration) {
  return std::clamp(absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos()),
                    -kMaxProtoDuration, kMaxProtoDuration);
}

v1::Progress ToProto(const ProgressRecord& progress) {
  v1::Progress proto;
  proto.set_fraction(progress.fraction);
  proto.set_message(progress.message);
  if (!progress.data.empty()) {
    const bool read = proto.mutable_data()->ParseFromString(progress.data);
    if (!read || !IsTellable(proto.data(), kMaxJsonDepth)) proto.clear_data();
  }
  *proto.mutable_update_time() = ToTimestamp(progress.time);
  return proto;
}

v1::Job ToProto(const JobRecord& job) {
  v1::Job proto;
  const internal::v1::NewJob& spec = *job.spec;
  proto.set_id(job.id.ToString());
  proto.set_name(absl::StrCat("jobs/", proto.id()));
  proto.set_type(spec.type());
  proto.set_queue(job.queue);
  proto.set_priority(spec.priority());
  proto.set_state(job.state);
  proto.set_revision(job.revision);
  *proto.mutable_labels() = spec.labels();
  proto.set_payload_content_type(spec.payload_content_type());
  proto.set_attempt(job.attempt);
  proto.set_max_attempts(job.max_attempts());
  // The defaults go without saying: they would be a fifth of an answer by REST.
  if (spec.has_retry() || job.handler_retry != nullptr) *proto.mutable_retry() = job.retry();
  proto.set_failed_attempts(job.failed_attempts);
  if (job.progress.has_value() && job.progress->attempt == job.attempt) {
    *proto.mutable_progress() = ToProto(*job.progress);
  }
  if (job.error.has_value()) *proto.mutable_error() = *job.error;
  if (job.result.has_value()) *proto.mutable_result() = *job.result;
  proto.set_worker(job.worker);
  *proto.mutable_create_time() = ToTimestamp(job.id.time());
  *proto.mutable_update_time() = ToTimestamp(job.updated_at);
  if (job.run_at.has_value()) *proto.mutable_run_at() = ToTimestamp(*job.run_at);
  if (job.started_at.has_value()) *proto.mutable_start_time() = ToTimestamp(*job.started_at);
  if (job.ended_at.has_value()) *proto.mutable_end_time() = ToTimestamp(*job.ended_at);
  if (job.deadline_at.has_value()) *proto.mutable_deadline_time() = ToTimestamp(*job.deadline_at);
  if (job.purge_at.has_value()) *proto.mutable_purge_time() = ToTimestamp(*job.purge_at);
  if (spec.has_attempt_timeout()) {
    *proto.mutable_attempt_timeout() = ToDuration(FromDuration(spec.attempt_timeout()));
  }
  *proto.mutable_lease() = ToDuration(job.lease());
  *proto.mutable_retention() = ToDuration(job.retention());
  proto.set_idempotency_key(spec.idempotency_key());
  return proto;
}

v1::JobEvent ToProto(const HistoryEntry& entry) {
  v1::JobEvent event;
  event.set_revision(entry.revision);
  event.set_state(entry.state);
  event.set_attempt(entry.attempt);
  *event.mutable_time() = ToTimestamp(entry.time);
  event.set_cause(std::string(CauseName(entry.cause)));
  if (entry.error.has_value()) *event.mutable_error() = *entry.error;
  return event;
}

v1::JobEvent ProgressEvent(const JobRecord& job) {
  v1::JobEvent event;
  event.set_revision(job.progress->revision);
  event.set_state(job.state);
  event.set_attempt(job.progress->attempt);
  *event.mutable_time() = ToTimestamp(job.progress->time);
  event.set_cause(std::string(CauseName(Cause::kProgress)));
  *event.mutable_progress() = ToProto(*job.progress);
  return event;
}

v1::JobEvent SnapshotEvent(const JobRecord& job) {
  v1::JobEvent event;
  event.set_revision(job.revision);
  event.set_state(job.state);
  event.set_attempt(job.attempt);
  *event.mutable_time() = ToTimestamp(job.updated_at);
  event.set_cause(std::string(CauseName(Cause::kSnapshot)));
  *event.mutable_job() = ToProto(job);
  if (event.job().has_progress()) *event.mutable_progress() = event.job().progress();
  if (job.error.has_value()) *event.mutable_error() = *job.error;
  return event;
}

}  // namespace buzzer::state
