// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// A worker's message, through state's checks: what passes can be stored, shown and sent on.

#include <google/protobuf/util/json_util.h>

#include <cmath>
#include <set>

#include "common/job_fields/job_fields.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/retry_policy/retry_policy.h"
#include "common/times/times.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/work_checks.h"
#include "services/state/job/retry_policy.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"

namespace buzzer::state {
namespace {

void CheckRefusal(const absl::Status& error) {
  fuzz::CheckError(error, absl::StatusCode::kInvalidArgument, "", 512);
  FUZZ_CHECK_SEEN(error.message()[0] == '`', error.message());
}

void CheckHello(const internal::v1::Hello& hello) {
  if (const absl::Status checked = Check(hello); !checked.ok()) return CheckRefusal(checked);
  fuzz::CheckText(hello.worker(), kMaxWorkerNameBytes);
  fuzz::CheckText(hello.version(), kMaxVersionBytes);
  fuzz::CheckText(hello.broker_queue_prefix(), kMaxQueuePrefixBytes);
  FUZZ_CHECK(!hello.worker().empty());
  FUZZ_CHECK(hello.slots() >= 0 && hello.slots() <= kMaxSlotsOfAWorker);
  FUZZ_CHECK(hello.types_size() <= kMaxTypesOfAWorker);
  std::set<std::string> queues;
  for (const auto& type : hello.types()) {
    FUZZ_CHECK(IsName(type.type()) && IsName(type.queue()));
    queues.insert(type.queue());
  }
  std::set<std::string> told;
  for (const auto& queue : hello.queues()) {
    FUZZ_CHECK(IsName(queue.queue()) && told.insert(queue.queue()).second);
    fuzz::CheckText(queue.problem(), kMaxProblemBytes);
    FUZZ_CHECK(queue.slots() >= 0 && queue.prefetch() >= 0 && queue.prefetch() <= kMaxPrefetch);
    queues.insert(queue.queue());
  }
  FUZZ_CHECK(queues.size() <= static_cast<size_t>(kMaxQueuesOfAWorker));
}

template <typename Message>
void CheckLease(const Message& message) {
  FUZZ_CHECK(message.job_id().size() == kIdBytes && message.lease_id().size() == kIdBytes);
  FUZZ_CHECK(message.attempt() >= 1);
}

void CheckClaim(const internal::v1::Claim& claim) {
  if (const absl::Status checked = Check(claim); !checked.ok()) return CheckRefusal(checked);
  FUZZ_CHECK(claim.job_id().size() == kIdBytes && claim.claim_id().size() == kIdBytes);
  for (const auto& duration : {claim.grace(), claim.attempt_timeout()}) {
    const auto value = CheckedDuration(duration);
    FUZZ_CHECK(value.has_value() && *value >= absl::ZeroDuration() && *value <= kMaxHandlerTime);
  }
  FUZZ_CHECK(claim.max_attempts() >= 0 && claim.max_attempts() <= kMaxMaxAttempts);
  // Whatever the job says itself, what counts for it is sound and gives a delay that can be told.
  const v1::RetryPolicy policy = EffectivePolicy({}, claim.retry());
  FUZZ_CHECK(FindFaults(policy).empty());
  for (const int failures : {1, 2, kMaxMaxAttempts}) {
    const absl::Duration delay = RetryDelay(policy, failures, 0.5);
    FUZZ_CHECK(delay >= absl::ZeroDuration() && delay <= kMaxRetryDelay);
  }
}

void CheckProgress(internal::v1::ProgressReport& report) {
  if (const absl::Status checked = Check(report); !checked.ok()) return CheckRefusal(checked);
  CheckLease(report);
  Mend(&report);
  const v1::Progress& progress = report.progress();
  FUZZ_CHECK(progress.fraction() >= 0 && progress.fraction() <= 1);
  FUZZ_CHECK(progress.message().size() <= kMaxProgressMessageBytes);
  std::string json;
  const auto told = google::protobuf::util::MessageToJsonString(progress.data(), &json);
  FUZZ_CHECK(!progress.has_data() || told.ok());
  v1::Progress again;
  FUZZ_CHECK(again.ParseFromString(progress.SerializeAsString()));
  // What is mended needs no mending.
  internal::v1::ProgressReport copy = report;
  Mend(&copy);
  FUZZ_CHECK(copy.ByteSizeLong() == report.ByteSizeLong());
}

void CheckOutcome(internal::v1::Outcome& outcome) {
  if (const absl::Status checked = Check(outcome); !checked.ok()) return CheckRefusal(checked);
  CheckLease(outcome);
  const bool was_success = outcome.has_success();
  Mend(&outcome);
  if (outcome.has_success()) {
    FUZZ_CHECK(was_success && outcome.success().result().size() <= kMaxResultBytes);
    FUZZ_CHECK(IsContentType(outcome.success().content_type()));
  } else if (outcome.has_failure()) {
    const v1::JobError& error = outcome.failure();
    FUZZ_CHECK(!error.reason().empty());
    fuzz::CheckText(error.reason(), kMaxErrorReasonBytes);
    FUZZ_CHECK(error.message().size() <= kMaxErrorMessageBytes);
    FUZZ_CHECK(error.detail().size() <= kMaxErrorDetailBytes);
    FUZZ_CHECK(IsInRange(error.retry_after(), absl::ZeroDuration(), kMaxRetryAfter));
    v1::JobError again;
    FUZZ_CHECK(again.ParseFromString(error.SerializeAsString()));
  } else {
    FUZZ_CHECK(outcome.has_handed_back());
  }
}

void Run(internal::v1::WorkRequest& request) {
  FUZZ_CHECK(CheckCounts(request).ok());  // An input is too small for too many.
  if (request.has_hello()) CheckHello(request.hello());
  for (const auto& claim : request.claims()) CheckClaim(claim);
  for (const auto& renewal : request.renewals()) {
    const absl::Status checked = Check(renewal);
    if (checked.ok()) {
      CheckLease(renewal);
    } else {
      CheckRefusal(checked);
    }
  }
  for (auto& report : *request.mutable_progress()) CheckProgress(report);
  for (auto& outcome : *request.mutable_outcomes()) CheckOutcome(outcome);
}

}  // namespace
}  // namespace buzzer::state

BUZZER_FUZZ_MESSAGE(buzzer::internal::v1::WorkRequest, buzzer::state::Run)
