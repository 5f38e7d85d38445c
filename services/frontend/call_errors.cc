// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/call_errors.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/errors/errors.h"
#include "common/log/fault_counter.h"
#include "common/log/log.h"
#include "common/utf8/utf8.h"

namespace buzzer::frontend {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);
constexpr size_t kMaxLoggedBytes = 1024;

}  // namespace

absl::Status StateUnavailable(absl::string_view why) {
  return ErrorBuilder(absl::StatusCode::kUnavailable, "STATE_UNAVAILABLE",
                      absl::StrCat(why, "; try again"))
      .RetryAfter(kRetryAfter)
      .Build();
}

absl::Status OutcomeUnknown(const JobId& job) {
  const std::string name = absl::StrCat("jobs/", job.ToString());
  return ErrorBuilder(absl::StatusCode::kDeadlineExceeded, "OUTCOME_UNKNOWN",
                      absl::StrCat("the state service did not answer in time, so the job may be "
                                   "stored or not: look for ",
                                   name, ", or repeat the call with the same idempotency key"))
      .Metadata("job", name)
      .Build();
}

absl::Status ShuttingDown(int64_t revision) {
  ErrorBuilder error(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                     "this server shuts down; call again, and go on from the last revision seen");
  if (revision > 0) error.Metadata("revision", absl::StrCat(revision));
  return error.RetryAfter(kRetryAfter).Build();
}

absl::Status FromState(const absl::Status& status) {
  if (status.ok() || !ErrorReason(status).empty()) return status;
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
      absl::IsCancelled(status)) {
    return StateUnavailable("the state service cannot be reached");
  }
  if (absl::IsResourceExhausted(status)) {
    // gRPC's own limit on one message.
    return ErrorBuilder(absl::StatusCode::kInternal, kAnswerTooLarge,
                        "the answer is larger than one message may be")
        .Build();
  }
  // Whoever finds out how to cause it may repeat it.
  static auto* const faults = new log::FaultCounter;
  const std::string code = absl::StatusCodeToString(status.code());
  if (const int64_t times = faults->Note(code); times > 0) {
    log::Error("state_error", {{"code", code},
                               {"times", times},
                               {"error", Utf8Prefix(status.message(), kMaxLoggedBytes)}});
  }
  return ErrorBuilder(absl::StatusCode::kInternal, "INTERNAL",
                      "the state service failed to answer; its log and the frontend's say more")
      .Build();
}

}  // namespace buzzer::frontend
