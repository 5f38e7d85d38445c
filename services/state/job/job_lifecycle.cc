// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/job_lifecycle.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/fault_points/fault_points.h"

namespace buzzer::state {
namespace {

v1::JobError MakeError(absl::string_view reason, absl::string_view message, bool retryable,
                       int32_t attempt) {
  v1::JobError error;
  error.set_reason(std::string(reason));
  error.set_message(std::string(message));
  error.set_retryable(retryable);
  error.set_attempt(attempt);
  return error;
}

v1::JobError DeadlineError(const JobRecord& job) {
  return MakeError("DEADLINE_EXCEEDED", "the job's deadline passed before it was finished", false,
                   job.attempt);
}

// Moves the job by the table and does what every change of state brings with it.
bool Move(JobRecord& job, Trigger trigger, absl::Time now) {
  const std::optional<JobState> next = Next(job.state, trigger);
  if (!next.has_value()) return false;
  job.state = *next;
  // Planted bug, never in a real build: watchers do not hear of it.
  if (!BUZZER_PLANTED("revision_not_raised")) ++job.revision;
  job.updated_at = now;
  if (job.state == v1::Job::QUEUED) {
    job.queued_at = now;
  } else {
    job.queued_at.reset();
  }
  if (IsTerminal(job.state)) {
    job.ended_at = now;
    job.purge_at = now + job.retention();
    job.retried = false;
  }
  return true;
}

// Ends a CANCELLING job whose handler has stopped, as its stop cause says. `error` is what there
// is to say of its last attempt beside that.
std::optional<Step> Stop(JobRecord& job, Cause cause, std::optional<v1::JobError> error,
                         absl::Time now) {
  if (job.stop_cause == StopCause::kDeadline) {
    if (!Move(job, Trigger::kStopForDeadline, now)) return std::nullopt;
    job.error = DeadlineError(job);
    if (error.has_value()) job.error->set_detail(error->detail());
    return Step{Cause::kDeadlineExceeded, job.error};
  }
  if (!Move(job, Trigger::kStopForCancel, now)) return std::nullopt;
  job.error = error;
  return Step{cause, std::move(error)};
}

// Ends the current attempt of a RUNNING job as failed. `not_before` is the least
// delay before the next attempt.
std::optional<Step> FailAttempt(JobRecord& job, Cause cause, v1::JobError error,
                                absl::Duration not_before, const JitterDraw& draw, absl::Time now) {
  const v1::RetryPolicy policy = job.retry();
  const int32_t failed = job.failed_attempts + 1;
  if (IsFinal(policy, error.reason())) error.set_retryable(false);
  const bool again = error.retryable() && failed < job.max_attempts();
  if (!Move(job, again ? Trigger::kFailForNow : Trigger::kFailForGood, now)) return std::nullopt;
  job.failed_attempts = failed;
  error.set_attempt(job.attempt);
  job.error = error;
  if (again) {
    job.retry_delay = std::max(
        {RetryDelay(policy, failed, draw()), not_before, FromDuration(error.retry_after())});
    job.run_at = now + job.retry_delay;
  }
  return Step{cause, std::move(error)};
}

bool IsLastLease(const JobRecord& job, const LeaseRef& lease) {
  return job.attempt == lease.attempt && !lease.lease_id.empty() && job.lease_id == lease.lease_id;
}

ClaimAnswer ReturnedAnswer(ClaimRequest::Intent intent) {
  switch (intent) {
    case ClaimRequest::Intent::kReturnNoHandler:
      return ClaimAnswer::kReturnedNoHandler;
    case ClaimRequest::Intent::kReturnDraining:
      return ClaimAnswer::kReturnedDraining;
    case ClaimRequest::Intent::kRun:
      break;
  }
  return ClaimAnswer::kReturnedPaused;
}

}  // namespace

JobRecord NewJobRecord(const JobId& id, internal::v1::NewJob spec, std::string queue,
                       absl::Time now) {
  JobRecord job;
  job.id = id;
  job.queue = std::move(queue);
  spec.clear_id();
  spec.clear_payload();
  job.spec = std::make_shared<const internal::v1::NewJob>(std::move(spec));
  job.revision = 1;
  job.updated_at = now;
  if (job.spec->has_deadline()) job.deadline_at = now + FromDuration(job.spec->deadline());
  if (job.spec->has_delay()) job.run_at = now + FromDuration(job.spec->delay());
  if (job.spec->has_run_at()) job.run_at = FromTimestamp(job.spec->run_at());
  if (job.run_at.has_value() && *job.run_at > now) {
    job.state = v1::Job::SCHEDULED;
  } else {
    job.state = v1::Job::QUEUED;
    job.queued_at = now;
  }
  return job;
}

std::optional<Step> BecomeDue(JobRecord& job, absl::Time now) {
  if (!Move(job, Trigger::kDue, now)) return std::nullopt;
  return Step{Cause::kDue, std::nullopt};
}

ClaimDecision AnswerClaim(JobRecord& job, const ClaimRequest& claim, bool queue_paused,
                          absl::Time now) {
  if (!claim.claim_id.empty() && job.claim_id == claim.claim_id) {
    const bool granted = job.claim_answer == ClaimAnswer::kGranted;
    if (granted ? IsActive(job.state) : job.state == v1::Job::QUEUED) {
      return {job.claim_answer, std::nullopt, /*repeated=*/true};
    }
  }
  if (job.state != v1::Job::QUEUED) return {};
  if (queue_paused || claim.intent != ClaimRequest::Intent::kRun) {
    job.claim_id = claim.claim_id;
    job.claim_answer = queue_paused ? ClaimAnswer::kReturnedPaused : ReturnedAnswer(claim.intent);
    return {job.claim_answer, std::nullopt, false};
  }
  if (!Move(job, Trigger::kClaim, now)) return {};
  ++job.attempt;
  job.claim_id = claim.claim_id;
  job.claim_answer = ClaimAnswer::kGranted;
  job.lease_id = RandomBytes(16);
  job.worker = claim.worker;
  job.grace = claim.grace;
  job.attempt_timeout = job.spec->has_attempt_timeout() ? FromDuration(job.spec->attempt_timeout())
                                                        : claim.attempt_timeout;
  job.handler_retry = claim.retry;
  job.handler_max_attempts = claim.max_attempts;
  job.started_at = now;
  job.error.reset();
  return {ClaimAnswer::kGranted, Step{Cause::kClaimed, std::nullopt}, false};
}

bool HoldsLease(const JobRecord& job, const LeaseRef& lease) {
  return IsActive(job.state) && IsLastLease(job, lease);
}

bool HasFinished(const JobRecord& job, const LeaseRef& lease) {
  return !IsActive(job.state) && IsLastLease(job, lease);
}

std::optional<Step> Succeed(JobRecord& job, v1::ResultInfo result, absl::Time now) {
  if (!Move(job, Trigger::kSucceed, now)) return std::nullopt;
  job.result = std::move(result);
  job.error.reset();
  return Step{Cause::kSucceeded, std::nullopt};
}

std::optional<Step> Fail(JobRecord& job, v1::JobError error, const JitterDraw& draw,
                         absl::Time now) {
  if (job.state != v1::Job::CANCELLING) {
    return FailAttempt(job, Cause::kFailed, std::move(error), absl::ZeroDuration(), draw, now);
  }
  // That it stopped is no news; what its program wrote on the way may be.
  if (error.detail().empty()) return Stop(job, Cause::kCancelled, std::nullopt, now);
  error.set_attempt(job.attempt);
  error.set_retryable(false);
  return Stop(job, Cause::kCancelled, std::move(error), now);
}

std::optional<Step> HandBack(JobRecord& job, absl::Time now) {
  if (job.state == v1::Job::CANCELLING) return Stop(job, Cause::kCancelled, std::nullopt, now);
  if (!Move(job, Trigger::kHandBack, now)) return std::nullopt;
  return Step{Cause::kHandedBack, std::nullopt};
}

std::optional<Step> LoseLease(JobRecord& job, LossCause cause, const JitterDraw& draw,
                              absl::Time now) {
  if (!IsActive(job.state)) return std::nullopt;
  job.lease_id.clear();
  if (job.state == v1::Job::CANCELLING) {
    return Stop(job, Cause::kWorkerLost,
                MakeError("WORKER_LOST",
                          absl::StrCat("worker ", job.worker, " was lost while the job stopped"),
                          false, job.attempt),
                now);
  }
  const bool expired = cause == LossCause::kLeaseExpired;
  const Cause reason = expired ? Cause::kLeaseExpired : Cause::kAttemptTimeout;
  v1::JobError error =
      expired ? MakeError(CauseName(reason),
                          absl::StrCat("worker ", job.worker, " did not renew its lease of ",
                                       absl::FormatDuration(job.lease())),
                          true, job.attempt)
              : MakeError(CauseName(reason),
                          absl::StrCat("the attempt ran longer than its limit of ",
                                       absl::FormatDuration(job.attempt_timeout)),
                          true, job.attempt);
  // A program of a dead worker gets up to its grace to end; only then may the job
  // run elsewhere.
  return FailAttempt(job, reason, std::move(error), job.grace, draw, now);
}

absl::StatusOr<std::optional<Step>> RequestCancel(JobRecord& job, absl::Time now) {
  // One that is on its way out for its deadline still ends FAILED.
  if (job.state == v1::Job::CANCELLED || job.state == v1::Job::CANCELLING) return std::nullopt;
  if (!Move(job, Trigger::kRequestCancel, now)) {
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_FINISHED",
                        absl::StrCat("the job is ", v1::Job::State_Name(job.state),
                                     "; only a job that is not finished can be cancelled"))
        .Build();
  }
  job.stop_cause = StopCause::kCancel;
  if (job.state == v1::Job::CANCELLED) job.error.reset();
  return Step{job.state == v1::Job::CANCELLED ? Cause::kCancelled : Cause::kCancelRequested,
              std::nullopt};
}

absl::StatusOr<std::optional<Step>> RequestRetry(JobRecord& job, absl::Time now) {
  if (job.retried) return std::nullopt;
  if (!Move(job, Trigger::kRequestRetry, now)) {
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_RETRYABLE",
                        absl::StrCat("the job is ", v1::Job::State_Name(job.state),
                                     "; only a FAILED or CANCELLED job can be retried"))
        .Build();
  }
  job.retried = true;
  job.failed_attempts = 0;
  job.stop_cause = StopCause::kNone;
  job.error.reset();
  job.run_at.reset();
  job.ended_at.reset();
  job.purge_at.reset();
  // The retry is a fresh start: the deadline counts anew from here.
  job.deadline_at.reset();
  if (job.spec->has_deadline()) job.deadline_at = now + FromDuration(job.spec->deadline());
  return Step{Cause::kRetryRequested, std::nullopt};
}

bool ShiftRetry(JobRecord& job, absl::Duration step, absl::Time now) {
  if (job.state != v1::Job::SCHEDULED || !job.run_at.has_value()) return false;
  const absl::Time shifted = std::min(*job.run_at + step, now + job.retry_delay);
  if (shifted == *job.run_at) return false;
  job.run_at = shifted;
  return true;
}

std::optional<Step> PassDeadline(JobRecord& job, absl::Time now) {
  if (!Move(job, Trigger::kPassDeadline, now)) return std::nullopt;
  job.stop_cause = StopCause::kDeadline;
  std::optional<v1::JobError> error;
  if (job.state == v1::Job::FAILED) {
    job.error = DeadlineError(job);
    error = job.error;
  }
  return Step{Cause::kDeadlineExceeded, std::move(error)};
}

absl::StatusOr<std::optional<Step>> ForceCancel(JobRecord& job, absl::Time now) {
  if (!Move(job, Trigger::kForceCancel, now)) return RequestCancel(job, now);
  job.lease_id.clear();
  job.stop_cause = StopCause::kCancel;
  job.error = MakeError("FORCED",
                        absl::StrCat("it was ended without waiting for worker ", job.worker,
                                     ", which may run it until it hears of that"),
                        false, job.attempt);
  return Step{Cause::kCancelForced, job.error};
}

}  // namespace buzzer::state
