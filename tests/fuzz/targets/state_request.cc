// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What a frontend asks of state, through state's checks. Of a script only the steps are read.

#include "common/job_fields/job_fields.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/retry_policy/retry_policy.h"
#include "common/times/times.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/state_checks.h"
#include "services/state/job/job_lifecycle.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"
#include "tests/fuzz/support/state_script.pb.h"

namespace buzzer::state {
namespace {

// Whether it passes; what is said of one that does not.
template <typename Request>
bool Passes(const Request& request) {
  const absl::Status checked = Check(request);
  if (checked.ok()) return true;
  fuzz::CheckError(checked, absl::StatusCode::kInvalidArgument, "", 512);
  FUZZ_CHECK_SEEN(checked.message()[0] == '`', checked.message());
  return false;
}

template <typename Request>
void CheckJob(const Request& request) {
  if (!Passes(request)) return;
  FUZZ_CHECK(IsTenant(request.tenant()) && request.id().size() == kIdBytes);
}

bool CanBeTold(absl::Time time) { return CheckedTime(ToTimestamp(time)).has_value(); }

void CheckNewJob(const internal::v1::NewJob& job) {
  if (!Passes(job)) return;
  FUZZ_CHECK(IsTenant(job.tenant()) && IsName(job.type()));
  FUZZ_CHECK(job.queue().empty() || IsName(job.queue()));
  FUZZ_CHECK(v1::Job::Priority_Name(job.priority()) != "PRIORITY_UNSPECIFIED");
  FUZZ_CHECK(v1::Job::Priority_IsValid(job.priority()));
  FUZZ_CHECK(IsContentType(job.payload_content_type()));
  FUZZ_CHECK(job.max_attempts() >= 0 && job.max_attempts() <= kMaxMaxAttempts);
  // Every time of its life can be told.
  const absl::Time now = absl::FromUnixSeconds(1'772'366'400);
  const JobRecord record = NewJobRecord(*JobId::FromBytes(job.id()), job, "q", now);
  for (const auto& time : {record.run_at, record.deadline_at, record.queued_at}) {
    if (time.has_value()) FUZZ_CHECK(CanBeTold(*time));
  }
  FUZZ_CHECK(record.lease() >= kMinLease && record.lease() <= kMaxLease);
  FUZZ_CHECK(record.max_attempts() >= 1 && record.max_attempts() <= kMaxMaxAttempts);
  FUZZ_CHECK(FindFaults(record.retry()).empty());
  FUZZ_CHECK(record.retention() >= kMinRetention && record.retention() <= kMaxRetention);
  v1::Job shown;
  FUZZ_CHECK(shown.ParseFromString(ToProto(record).SerializeAsString()));
}

void CheckList(const internal::v1::ListJobsRequest& request) {
  FUZZ_CHECK(CanBeTold(FromTimestamp(request.created_from())));
  FUZZ_CHECK(CanBeTold(FromTimestamp(request.created_until())));
  if (!Passes(request)) return;
  FUZZ_CHECK(request.page_size() >= 1 && request.page_size() <= kMaxPageSize);
  FUZZ_CHECK(request.labels_size() <= kMaxLabels);
  FUZZ_CHECK(request.type().empty() || IsName(request.type()));
}

void CheckStep(const fuzz::StateScript::Step& step) {
  switch (step.what_case()) {
    case fuzz::StateScript::Step::kSubmit:
      FUZZ_CHECK(CheckCounts(step.submit()).ok());
      for (const auto& job : step.submit().jobs()) CheckNewJob(job);
      break;
    case fuzz::StateScript::Step::kWatch:
      for (const auto& start : step.watch().start()) {
        if (Passes(start)) FUZZ_CHECK(start.after_revision() >= 0 && IsTenant(start.tenant()));
      }
      break;
    case fuzz::StateScript::Step::kGet:
      CheckJob(step.get());
      break;
    case fuzz::StateScript::Step::kList:
      CheckList(step.list());
      break;
    case fuzz::StateScript::Step::kResult:
      CheckJob(step.result());
      break;
    case fuzz::StateScript::Step::kCancel:
      CheckJob(step.cancel());
      break;
    case fuzz::StateScript::Step::kRetry:
      CheckJob(step.retry());
      break;
    case fuzz::StateScript::Step::kDelete:
      CheckJob(step.delete_());
      break;
    case fuzz::StateScript::Step::kRelease:
      if (!Passes(step.release())) break;
      FUZZ_CHECK(IsTenant(step.release().tenant()));
      FUZZ_CHECK(IsIdempotencyKey(step.release().idempotency_key()));
      break;
    case fuzz::StateScript::Step::kDeleteQueue:
      if (Passes(step.delete_queue())) FUZZ_CHECK(IsName(step.delete_queue().queue()));
      break;
    case fuzz::StateScript::Step::kDeleteType:
      if (Passes(step.delete_type())) FUZZ_CHECK(IsName(step.delete_type().type()));
      break;
    case fuzz::StateScript::Step::kPause:
      if (Passes(step.pause())) FUZZ_CHECK(IsName(step.pause().queue()));
      break;
    default:
      break;
  }
}

void Run(const fuzz::StateScript& script) {
  for (const auto& step : script.steps()) CheckStep(step);
}

}  // namespace
}  // namespace buzzer::state

BUZZER_FUZZ_MESSAGE(buzzer::fuzz::StateScript, buzzer::state::Run)
