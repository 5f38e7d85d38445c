// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/validation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/retry_policy/retry_policy.h"
#include "common/times/times.h"
#include "services/frontend/field_errors.h"
#include "services/frontend/idempotency_key.h"
#include "services/frontend/limits.h"
#include "services/frontend/payload_json.h"
#include "services/frontend/request_hash.h"

namespace buzzer::frontend {
namespace {

constexpr char kJsonContentType[] = "application/json";
constexpr char kBytesContentType[] = "application/octet-stream";
constexpr char kDefaultTenant[] = "default";

// As a person writes it: "1s", "366 days".
std::string Text(absl::Duration duration) {
  constexpr absl::Duration kDay = absl::Hours(24);
  if (duration >= 2 * kDay && duration % kDay == absl::ZeroDuration()) {
    return absl::StrCat(duration / kDay, " days");
  }
  return absl::StrCat(absl::ToInt64Seconds(duration), " s");
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::ToInt64Seconds(duration));
  return proto;
}

// Checks a SubmitJobRequest and makes the NewJob of it, field by field.
class SubmitCheck {
 public:
  SubmitCheck(const v1::SubmitJobRequest& request, const SubmitContext& context)
      : request_(request), context_(context) {}

  absl::StatusOr<internal::v1::NewJob> Run() {
    job_.set_id(std::string(context_.id.bytes()));
    job_.set_tenant(context_.tenant);
    TakeNames();
    TakePriority();
    TakePayload();
    TakeLabels();
    TakeKey();
    TakeStart();
    TakeLimits();
    TakeRetryPolicy();
    if (absl::Status status = errors_.ToStatus(); !status.ok()) return status;
    if (!job_.idempotency_key().empty()) {
      job_.set_request_hash(RequestHash(request_, job_.payload()));
      job_.set_request_hash_version(kRequestHashVersion);
    }
    return std::move(job_);
  }

 private:
  void TakeNames() {
    if (!IsName(request_.type())) {
      errors_.Add("type", absl::StrCat("must be ", kNameRule));
    }
    if (!request_.queue().empty() && !IsName(request_.queue())) {
      errors_.Add("queue", absl::StrCat("must be ", kNameRule, ", or unset"));
    }
    job_.set_type(request_.type());
    job_.set_queue(request_.queue());
  }

  void TakePriority() {
    if (!v1::Job::Priority_IsValid(request_.priority())) {
      errors_.Add("priority", "must be HIGH, NORMAL or LOW");
      return;
    }
    job_.set_priority(request_.priority() == v1::Job::PRIORITY_UNSPECIFIED ? v1::Job::NORMAL
                                                                           : request_.priority());
  }

  void TakePayload() {
    const bool has_bytes =
        !request_.payload_bytes().empty() || !request_.payload_content_type().empty();
    if (request_.has_payload() && has_bytes) {
      errors_.Add("payload",
                  "must not stand beside `payload_bytes` or `payload_content_type`: send one");
      return;
    }
    if (has_bytes) {
      TakePayloadBytes();
      return;
    }
    job_.set_payload_is_json(true);
    job_.set_payload_content_type(kJsonContentType);
    auto json = ToJson(request_.payload(), kMaxJsonDepth, kMaxPayloadBytes);
    if (json.ok()) {
      job_.set_payload(*std::move(json));
    } else if (absl::IsOutOfRange(json.status())) {
      errors_.AddWithReason("TOO_LARGE", "payload", json.status().message());
    } else {
      errors_.Add("payload", json.status().message());
    }
  }

  void TakePayloadBytes() {
    if (request_.payload_bytes().size() > kMaxPayloadBytes) {
      errors_.AddWithReason("TOO_LARGE", "payload_bytes",
                            absl::StrCat("must be at most ", kMaxPayloadBytes, " bytes"));
      return;
    }
    job_.set_payload(request_.payload_bytes());
    job_.set_payload_content_type(kBytesContentType);
    if (request_.payload_content_type().empty()) return;
    if (!IsContentType(request_.payload_content_type())) {
      errors_.Add("payload_content_type", absl::StrCat("must be ", kContentTypeRule));
      return;
    }
    job_.set_payload_content_type(request_.payload_content_type());
  }

  void TakeLabels() {
    if (request_.labels_size() > kMaxLabels) {
      errors_.Add("labels",
                  absl::StrCat("must be at most ", kMaxLabels, ", not ", request_.labels_size()));
      return;
    }
    for (const auto& [key, value] : request_.labels()) {
      if (!IsLabelKey(key)) {
        errors_.Add("labels", absl::StrCat("the key ", Quoted(key), " must be ", kLabelKeyRule));
      } else if (!IsLabelValue(value)) {
        errors_.Add("labels",
                    absl::StrCat("the value of ", Quoted(key), " must be ", kLabelValueRule));
      }
    }
    *job_.mutable_labels() = request_.labels();
  }

  void TakeKey() {
    const std::string& field = request_.idempotency_key();
    if (!field.empty() && !IsIdempotencyKey(field)) {
      errors_.Add("idempotency_key", absl::StrCat("must be ", kIdempotencyKeyRule));
      return;
    }
    job_.set_idempotency_key(field);
    if (!context_.key_header.has_value()) return;
    auto header = ParseIdempotencyKey(*context_.key_header);
    if (!header.ok()) {
      errors_.Add("idempotency_key", header.status().message());
    } else if (!field.empty() && field != *header) {
      errors_.AddWithReason("KEY_MISMATCH", "idempotency_key",
                            "must be the same as in the header Idempotency-Key; send one of them");
    } else {
      job_.set_idempotency_key(*std::move(header));
    }
  }

  void TakeStart() {
    if (request_.has_run_at() && request_.has_delay()) {
      errors_.Add("run_at", "must not stand beside `delay`: send one");
    }
    if (request_.has_run_at()) {
      const auto& run_at = request_.run_at();
      const auto time = CheckedTime(run_at);
      if (!time.has_value()) {
        errors_.Add("run_at", "must be a time of the years 1 to 9999");
      } else if (absl::FromUnixSeconds(run_at.seconds()) > context_.now + kMaxDelay) {
        errors_.Add("run_at", absl::StrCat("must be at most ", Text(kMaxDelay), " ahead"));
      }
      *job_.mutable_run_at() = run_at;
    }
    TakeDuration("delay", request_.has_delay(), request_.delay(), absl::ZeroDuration(), kMaxDelay,
                 [this] { return job_.mutable_delay(); });
  }

  void TakeLimits() {
    TakeDuration("deadline", request_.has_deadline(), request_.deadline(), kMinDeadline,
                 kMaxDeadline, [this] { return job_.mutable_deadline(); });
    TakeDuration("attempt_timeout", request_.has_attempt_timeout(), request_.attempt_timeout(),
                 kMinAttemptTimeout, kMaxAttemptTimeout,
                 [this] { return job_.mutable_attempt_timeout(); });
    if (request_.max_attempts() < 0 || request_.max_attempts() > kMaxMaxAttempts) {
      errors_.Add("max_attempts", absl::StrCat("must be 1 to ", kMaxMaxAttempts, ", not ",
                                               request_.max_attempts()));
    }
    // Unset, it is the handler's.
    job_.set_max_attempts(request_.max_attempts());
    *job_.mutable_lease() = ToProto(kDefaultLease);
    TakeDuration("lease", request_.has_lease(), request_.lease(), kMinLease, kMaxLease,
                 [this] { return job_.mutable_lease(); });
    *job_.mutable_retention() = ToProto(kDefaultRetention);
    TakeDuration("retention", request_.has_retention(), request_.retention(), kMinRetention,
                 kMaxRetention, [this] { return job_.mutable_retention(); });
  }

  // What is unset stays so: the handler of the type may have it.
  void TakeRetryPolicy() {
    if (!request_.has_retry()) return;
    for (const RetryPolicyFault& fault : FindFaults(request_.retry())) {
      errors_.Add(absl::StrCat("retry.", fault.field), absl::StrCat("must be ", fault.rule));
    }
    *job_.mutable_retry() = request_.retry();
  }

  // `mutable_field` is asked only if the duration is set: asking sets it.
  template <typename MutableField>
  void TakeDuration(absl::string_view field, bool is_set,
                    const google::protobuf::Duration& duration, absl::Duration min,
                    absl::Duration max, MutableField mutable_field) {
    if (!is_set) return;
    if (!IsInRange(duration, min, max)) {
      errors_.Add(field, absl::StrCat("must be ", Text(min), " to ", Text(max)));
      return;
    }
    *mutable_field() = duration;
  }

  const v1::SubmitJobRequest& request_;
  const SubmitContext& context_;
  internal::v1::NewJob job_;
  FieldErrors errors_;
};

// What follows `collection` in a resource name, or nullopt.
std::optional<absl::string_view> IdInName(absl::string_view collection, absl::string_view name) {
  if (!absl::ConsumePrefix(&name, collection) || name.empty() ||
      name.find('/') != absl::string_view::npos) {
    return std::nullopt;
  }
  return name;
}

}  // namespace

absl::StatusOr<internal::v1::NewJob> MakeNewJob(const v1::SubmitJobRequest& request,
                                                const SubmitContext& context) {
  return SubmitCheck(request, context).Run();
}

absl::StatusOr<std::string> ParseTenant(std::optional<absl::string_view> header) {
  if (!header.has_value()) return std::string(kDefaultTenant);
  if (!IsTenant(*header)) {
    return InvalidField("x-buzzer-tenant", absl::StrCat("must be ", kTenantRule));
  }
  return std::string(*header);
}

absl::StatusOr<JobId> ParseJobName(absl::string_view name) {
  const auto text = IdInName("jobs/", name);
  if (!text.has_value()) return InvalidField("name", "must be `jobs/` and a job's id");
  const auto id = JobId::Parse(*text);
  if (!id.has_value()) {
    return ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND",
                        absl::StrCat("`name`: there is no job ", Quoted(*text),
                                     "; an id is a UUID of 36 characters in lower case"))
        .Build();
  }
  return *id;
}

absl::StatusOr<std::string> ParseQueueName(absl::string_view name) {
  const auto queue = IdInName("queues/", name);
  if (!queue.has_value()) return InvalidField("name", "must be `queues/` and a queue's name");
  if (!IsName(*queue)) {
    return ErrorBuilder(absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND",
                        absl::StrCat("`name`: there is no queue ", Quoted(*queue),
                                     "; a queue's name is ", kNameRule))
        .Build();
  }
  return std::string(*queue);
}

absl::StatusOr<std::string> ParseTypeName(absl::string_view name) {
  const auto type = IdInName("types/", name);
  if (!type.has_value()) return InvalidField("name", "must be `types/` and a job type");
  if (!IsName(*type)) {
    return ErrorBuilder(
               absl::StatusCode::kNotFound, "TYPE_NOT_FOUND",
               absl::StrCat("`name`: there is no type ", Quoted(*type), "; a type is ", kNameRule))
        .Build();
  }
  return std::string(*type);
}

absl::StatusOr<absl::Duration> ParseWait(absl::string_view field,
                                         const google::protobuf::Duration& wait) {
  if (!IsInRange(wait, absl::ZeroDuration(), kMaxWait)) {
    return InvalidField(field, absl::StrCat("must be 0 s to ", Text(kMaxWait)));
  }
  return *CheckedDuration(wait);
}

absl::Status CheckRevision(absl::string_view field, int64_t revision) {
  if (revision >= 0) return absl::OkStatus();
  return InvalidField(field, "must be a revision that was seen, or 0");
}

absl::StatusOr<int64_t> ParseLastEventId(absl::string_view header) {
  int64_t revision = 0;
  const absl::string_view digits = absl::StripAsciiWhitespace(header);
  const bool fits =
      !digits.empty() && digits.size() <= 19 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
      absl::SimpleAtoi(digits, &revision);
  if (!fits) {
    return InvalidField("last-event-id", "must be the `id:` of an event of this job");
  }
  return revision;
}

}  // namespace buzzer::frontend
