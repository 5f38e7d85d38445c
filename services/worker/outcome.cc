// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/outcome.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "common/utf8/utf8.h"
#include "services/worker/durations.h"

namespace buzzer::worker {
namespace {

using internal::v1::Outcome;

constexpr char kCancelled[] = "CANCELLED";
constexpr char kAttemptTimeout[] = "ATTEMPT_TIMEOUT";

Failure StoppedFor(const Attempt& attempt, StopCause cause, std::string detail) {
  switch (cause) {
    case StopCause::kCancelRequested:
      return {kCancelled, "the handler stopped because the job was cancelled", false,
              std::move(detail)};
    case StopCause::kAttemptTimeout:
      return {kAttemptTimeout,
              absl::StrCat("the attempt ran longer than its limit of ",
                           absl::FormatDuration(attempt.timeout())),
              true, std::move(detail)};
    default:
      // A handler that gives up unasked has a bug; another attempt may do better.
      return {"HANDLER_FAILED", "the handler stopped though nobody had asked it to", true,
              std::move(detail)};
  }
}

Outcome Start(const LeaseRef& lease) {
  Outcome outcome;
  lease.Fill(&outcome);
  return outcome;
}

Outcome Fail(const Attempt& attempt, const Failure& failure) {
  Outcome outcome = Start(attempt.lease());
  v1::JobError& error = *outcome.mutable_failure();
  error.set_reason(failure.reason.empty() ? "HANDLER_FAILED" : ToValidUtf8(failure.reason));
  const std::string message = ToValidUtf8(failure.message);
  error.set_message(std::string(Utf8Prefix(message, kMaxErrorMessageBytes)));
  const std::string detail = ToValidUtf8(failure.detail);
  error.set_detail(std::string(Utf8Suffix(detail, kMaxErrorDetailBytes)));
  error.set_retryable(failure.retryable);
  error.set_attempt(attempt.job().attempt);
  if (failure.retry_after > absl::ZeroDuration()) {
    *error.mutable_retry_after() = ToProto(std::min(failure.retry_after, kMaxRetryAfter));
  }
  return outcome;
}

Outcome Succeed(const Attempt& attempt, Success success) {
  if (success.result.size() > kMaxResultBytes) {
    return Fail(attempt, {"RESULT_TOO_LARGE",
                          absl::StrCat("the result has ", success.result.size(), " bytes; at most ",
                                       kMaxResultBytes, " are allowed"),
                          false, ""});
  }
  Outcome outcome = Start(attempt.lease());
  outcome.mutable_success()->set_content_type(ToValidUtf8(success.content_type));
  outcome.mutable_success()->set_result(std::move(success.result));
  return outcome;
}

}  // namespace

Outcome MakeHandedBack(const LeaseRef& lease) {
  Outcome outcome = Start(lease);
  outcome.mutable_handed_back();
  return outcome;
}

std::optional<Outcome> MakeOutcome(const Attempt& attempt, HandlerResult result, StopCause cause) {
  if (cause == StopCause::kLeaseLost) return std::nullopt;
  if (auto* success = std::get_if<Success>(&result)) return Succeed(attempt, std::move(*success));
  if (const auto* failure = std::get_if<Failure>(&result)) return Fail(attempt, *failure);
  if (cause == StopCause::kDraining || cause == StopCause::kStateOutage) {
    return MakeHandedBack(attempt.lease());
  }
  return Fail(attempt, StoppedFor(attempt, cause, std::move(std::get<Stopped>(result).detail)));
}

const char* OutcomeName(const std::optional<Outcome>& outcome) {
  if (!outcome.has_value()) return "lost";
  if (outcome->has_success()) return "succeeded";
  if (outcome->has_handed_back()) return "handed_back";
  if (outcome->failure().reason() == kCancelled) return "cancelled";
  if (outcome->failure().reason() == kAttemptTimeout) return "timed_out";
  if (outcome->failure().reason() == kProgramNotStarted) return "not_started";
  return outcome->failure().retryable() ? "failed_retryable" : "failed";
}

}  // namespace buzzer::worker
