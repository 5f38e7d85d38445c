// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/boundary/state_checks.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/job_id/job_id.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/times/times.h"
#include "services/state/boundary/field_checks.h"
#include "services/state/boundary/limits.h"

namespace buzzer::state {
namespace {

using internal::v1::NewJob;

absl::Status CheckTenant(absl::string_view tenant) {
  if (IsTenant(tenant)) return absl::OkStatus();
  return InvalidField("tenant", absl::StrCat("must be ", kTenantRule));
}

// Of a job, in the calls that name one.
template <typename Request>
absl::Status CheckJobOfTenant(const Request& request) {
  if (auto bad = CheckTenant(request.tenant()); !bad.ok()) return bad;
  return CheckId("id", request.id());
}

absl::Status CheckName(absl::string_view field, absl::string_view name) {
  if (IsName(name)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be ", kNameRule));
}

template <typename Request>
absl::Status CheckQueueOfTenant(const Request& request) {
  if (auto bad = CheckTenant(request.tenant()); !bad.ok()) return bad;
  return CheckName("queue", request.queue());
}

absl::Status CheckOptionalName(absl::string_view field, absl::string_view name) {
  if (name.empty() || IsName(name)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be ", kNameRule, ", or unset"));
}

template <typename Labels>
absl::Status CheckLabels(const Labels& labels) {
  if (labels.size() > static_cast<size_t>(kMaxLabels)) {
    return InvalidField("labels",
                        absl::StrCat("must be at most ", kMaxLabels, ", not ", labels.size()));
  }
  for (const auto& [key, value] : labels) {
    if (!IsLabelKey(key))
      return InvalidField("labels", absl::StrCat("a key must be ", kLabelKeyRule));
    if (!IsLabelValue(value)) {
      return InvalidField("labels", absl::StrCat("a value must be ", kLabelValueRule));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPayload(const NewJob& job) {
  if (job.payload().size() > kMaxPayloadBytes) {
    return InvalidField("payload", absl::StrCat("must be at most ", kMaxPayloadBytes, " bytes"));
  }
  if (!IsContentType(job.payload_content_type())) {
    return InvalidField("payload_content_type", absl::StrCat("must be ", kContentTypeRule));
  }
  return absl::OkStatus();
}

absl::Status CheckKey(const NewJob& job) {
  if (job.idempotency_key().empty()) {
    if (job.request_hash().empty()) return absl::OkStatus();
    return InvalidField("request_hash", "must be unset where there is no idempotency_key");
  }
  if (!IsIdempotencyKey(job.idempotency_key())) {
    return InvalidField("idempotency_key", absl::StrCat("must be ", kIdempotencyKeyRule));
  }
  if (job.request_hash().size() != kHashBytes) {
    return InvalidField("request_hash", absl::StrCat("must be ", kHashBytes, " bytes"));
  }
  return absl::OkStatus();
}

absl::Status CheckDuration(absl::string_view field, bool is_set,
                           const google::protobuf::Duration& duration, absl::Duration min,
                           absl::Duration max) {
  if (!is_set || IsInRange(duration, min, max)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be ", absl::FormatDuration(min), " to ",
                                          absl::FormatDuration(max)));
}

absl::Status CheckTimes(const NewJob& job) {
  if (job.has_run_at() && job.has_delay()) {
    return InvalidField("run_at", "must not stand beside `delay`");
  }
  if (job.has_run_at() && !CheckedTime(job.run_at()).has_value()) {
    return InvalidField("run_at", "must be a time of the years 1 to 9999");
  }
  for (const absl::Status& bad :
       {CheckDuration("delay", job.has_delay(), job.delay(), absl::ZeroDuration(), kMaxDelay),
        CheckDuration("deadline", job.has_deadline(), job.deadline(), kMinDeadline, kMaxDeadline),
        CheckDuration("attempt_timeout", job.has_attempt_timeout(), job.attempt_timeout(),
                      kMinAttemptTimeout, kMaxAttemptTimeout),
        CheckDuration("lease", job.has_lease(), job.lease(), kMinLease, kMaxLease),
        CheckDuration("retention", job.has_retention(), job.retention(), kMinRetention,
                      kMaxRetention)}) {
    if (!bad.ok()) return bad;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCounts(const internal::v1::SubmitRequest& request) {
  if (request.jobs_size() <= kMaxBatchJobs) return absl::OkStatus();
  return InvalidField(
      "jobs", absl::StrCat("must be at most ", kMaxBatchJobs, ", not ", request.jobs_size()));
}

absl::Status Check(const NewJob& job) {
  if (auto bad = CheckId("id", job.id()); !bad.ok()) return bad;
  // The nil id is no job's, and what is in the id is shown as the time of creation.
  const JobId id = *JobId::FromBytes(job.id());
  if (id == JobId() || id.time() > MaxTimestamp()) {
    return InvalidField("id", "must be a UUIDv7 of the years 1970 to 9999");
  }
  if (auto bad = CheckTenant(job.tenant()); !bad.ok()) return bad;
  if (!IsName(job.type())) return InvalidField("type", absl::StrCat("must be ", kNameRule));
  if (auto bad = CheckOptionalName("queue", job.queue()); !bad.ok()) return bad;
  // An unknown priority has no lane: the job would wait for ever.
  if (!v1::Job::Priority_IsValid(job.priority()) ||
      job.priority() == v1::Job::PRIORITY_UNSPECIFIED) {
    return InvalidField("priority", "must be HIGH, NORMAL or LOW");
  }
  if (auto bad = CheckPayload(job); !bad.ok()) return bad;
  if (auto bad = CheckLabels(job.labels()); !bad.ok()) return bad;
  if (auto bad = CheckKey(job); !bad.ok()) return bad;
  if (auto bad = CheckTimes(job); !bad.ok()) return bad;
  return CheckRetries(job.retry(), job.max_attempts());
}

absl::Status Check(const internal::v1::WatchRequest::Start& start) {
  if (auto bad = CheckTenant(start.tenant()); !bad.ok()) return bad;
  if (auto bad = CheckId("job_id", start.job_id()); !bad.ok()) return bad;
  if (start.after_revision() >= 0) return absl::OkStatus();
  return InvalidField("after_revision", "must be a revision that was seen, or 0");
}

absl::Status Check(const internal::v1::GetJobRequest& request) { return CheckJobOfTenant(request); }

absl::Status Check(const internal::v1::ListJobsRequest& request) {
  if (auto bad = CheckTenant(request.tenant()); !bad.ok()) return bad;
  if (request.page_size() < 1 || request.page_size() > kMaxPageSize) {
    return InvalidField("page_size",
                        absl::StrCat("must be 1 to ", kMaxPageSize, ", not ", request.page_size()));
  }
  if (!request.before_id().empty() && request.before_id().size() != kIdBytes) {
    return InvalidField("before_id", "must be the 16 bytes of a job's id, or unset");
  }
  if (!v1::Job::State_IsValid(request.state())) {
    return InvalidField("state", absl::StrCat("must be one that is known, not ", request.state()));
  }
  if (auto bad = CheckOptionalName("type", request.type()); !bad.ok()) return bad;
  if (auto bad = CheckOptionalName("queue", request.queue()); !bad.ok()) return bad;
  return CheckLabels(request.labels());
}

absl::Status Check(const internal::v1::GetJobResultRequest& request) {
  return CheckJobOfTenant(request);
}

absl::Status Check(const internal::v1::CancelJobRequest& request) {
  return CheckJobOfTenant(request);
}

absl::Status Check(const internal::v1::RetryJobRequest& request) {
  return CheckJobOfTenant(request);
}

absl::Status Check(const internal::v1::DeleteJobRequest& request) {
  return CheckJobOfTenant(request);
}

absl::Status Check(const internal::v1::GetQueueRequest& request) {
  return CheckQueueOfTenant(request);
}

absl::Status Check(const internal::v1::ListQueuesRequest& request) {
  return CheckTenant(request.tenant());
}

absl::Status Check(const internal::v1::SetQueuePausedRequest& request) {
  return CheckQueueOfTenant(request);
}

absl::Status Check(const internal::v1::ReleaseKeyRequest& request) {
  if (auto bad = CheckTenant(request.tenant()); !bad.ok()) return bad;
  if (IsIdempotencyKey(request.idempotency_key())) return absl::OkStatus();
  return InvalidField("idempotency_key", absl::StrCat("must be ", kIdempotencyKeyRule));
}

absl::Status Check(const internal::v1::DeleteQueueRequest& request) {
  return CheckName("queue", request.queue());
}

absl::Status Check(const internal::v1::DeleteTypeRequest& request) {
  return CheckName("type", request.type());
}

}  // namespace buzzer::state
