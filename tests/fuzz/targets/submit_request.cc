// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// SubmitJobRequest as a whole: what the frontend lets through to state.

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/retry_policy/retry_policy.h"
#include "google/rpc/error_details.pb.h"
#include "services/frontend/idempotency_key.h"
#include "services/frontend/limits.h"
#include "services/frontend/validation.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"

namespace buzzer::frontend {
namespace {

using internal::v1::NewJob;

const absl::Time kNow = absl::FromUnixSeconds(1'772'366'400);

void CheckDuration(bool is_set, const google::protobuf::Duration& duration, absl::Duration min,
                   absl::Duration max) {
  if (!is_set) return;
  const absl::Duration value =
      absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  FUZZ_CHECK_SEEN(value >= min && value <= max, absl::FormatDuration(value));
}

void CheckTimes(const NewJob& job) {
  FUZZ_CHECK(!job.has_run_at() || !job.has_delay());
  if (job.has_run_at()) {
    const absl::Time run_at =
        absl::FromUnixSeconds(job.run_at().seconds()) + absl::Nanoseconds(job.run_at().nanos());
    FUZZ_CHECK(run_at <= kNow + kMaxDelay + absl::Seconds(1));
    FUZZ_CHECK(job.run_at().nanos() >= 0 && job.run_at().nanos() < 1'000'000'000);
  }
  CheckDuration(job.has_delay(), job.delay(), absl::ZeroDuration(), kMaxDelay);
  CheckDuration(job.has_deadline(), job.deadline(), kMinDeadline, kMaxDeadline);
  CheckDuration(job.has_attempt_timeout(), job.attempt_timeout(), kMinAttemptTimeout,
                kMaxAttemptTimeout);
  FUZZ_CHECK(job.has_lease() && job.has_retention());
  CheckDuration(true, job.lease(), kMinLease, kMaxLease);
  CheckDuration(true, job.retention(), kMinRetention, kMaxRetention);
  FUZZ_CHECK(job.max_attempts() >= 0 && job.max_attempts() <= kMaxMaxAttempts);
  FUZZ_CHECK(FindFaults(job.retry()).empty());
}

void CheckJob(const NewJob& job, const SubmitContext& context) {
  FUZZ_CHECK(job.id() == context.id.bytes() && job.tenant() == context.tenant);
  FUZZ_CHECK(IsName(job.type()) && (job.queue().empty() || IsName(job.queue())));
  FUZZ_CHECK(v1::Job::Priority_IsValid(job.priority()));
  FUZZ_CHECK(job.priority() != v1::Job::PRIORITY_UNSPECIFIED);
  FUZZ_CHECK(job.payload().size() <= kMaxPayloadBytes);
  FUZZ_CHECK(!job.payload_content_type().empty());
  FUZZ_CHECK(job.payload_content_type().size() <= kMaxContentTypeBytes);
  FUZZ_CHECK(fuzz::IsPrintableAscii(job.payload_content_type()));
  FUZZ_CHECK(job.labels_size() <= kMaxLabels);
  for (const auto& [key, value] : job.labels()) {
    FUZZ_CHECK(IsLabelKey(key) && value.size() <= 4 * kMaxLabelCharacters);
  }
  FUZZ_CHECK(job.idempotency_key().empty() || IsIdempotencyKey(job.idempotency_key()));
  FUZZ_CHECK(job.request_hash().size() == (job.idempotency_key().empty() ? 0u : 32u));
  CheckTimes(job);
}

bool IsField(absl::string_view path) {
  const bool of_retry = absl::ConsumePrefix(&path, "retry.");
  const auto* message =
      of_retry ? v1::RetryPolicy::descriptor() : v1::SubmitJobRequest::descriptor();
  return message->FindFieldByName(std::string(path)) != nullptr;
}

void CheckRefusal(const absl::Status& error) {
  fuzz::CheckError(error, absl::StatusCode::kInvalidArgument, "", 8192);
  const std::string reason = ErrorReason(error);
  FUZZ_CHECK_SEEN(reason == "INVALID_FIELD" || reason == "TOO_LARGE" || reason == "KEY_MISMATCH",
                  reason);
  const auto rpc = ToRpcStatus(error);
  for (const auto& detail : rpc.details()) {
    google::rpc::BadRequest faults;
    if (!detail.UnpackTo(&faults)) continue;
    FUZZ_CHECK(faults.field_violations_size() > 0 && faults.field_violations_size() <= 20);
    for (const auto& fault : faults.field_violations()) {
      FUZZ_CHECK_SEEN(IsField(fault.field()), fault.field());
      fuzz::CheckText(fault.description(), 512);
      FUZZ_CHECK_SEEN(
          error.message().find(absl::StrCat("`", fault.field(), "`: ")) != absl::string_view::npos,
          error.message());
    }
  }
}

void Run(const v1::SubmitJobRequest& request) {
  SubmitContext context;
  context.tenant = "default";
  context.id = JobId::LowestAt(kNow);
  context.now = kNow;
  const auto job = MakeNewJob(request, context);
  if (!job.ok()) {
    CheckRefusal(job.status());
    return;
  }
  CheckJob(*job, context);
  // A repeat of it is the same request.
  const auto again = MakeNewJob(request, context);
  FUZZ_CHECK(again.ok() && again->request_hash() == job->request_hash());
  FUZZ_CHECK(again->payload() == job->payload());
}

}  // namespace
}  // namespace buzzer::frontend

BUZZER_FUZZ_MESSAGE(buzzer::v1::SubmitJobRequest, buzzer::frontend::Run)
