// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_JOB_JOB_LIFECYCLE_H_
#define SERVICES_STATE_JOB_JOB_LIFECYCLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/state/job/job_record.h"
#include "services/state/job/retry_policy.h"

namespace buzzer::state {

// What a step did to a job, beside the fields of its record.
struct Step {
  Cause cause = Cause::kNone;
  // Set when the step is a failure.
  std::optional<v1::JobError> error;
};

// A worker's wish to have a job.
struct ClaimRequest {
  enum class Intent { kRun, kReturnNoHandler, kReturnDraining };
  JobId job;
  std::string claim_id;
  std::string worker;
  Intent intent = Intent::kRun;
  absl::Duration grace = absl::Seconds(10);
  // The handler's own; zero means none.
  absl::Duration attempt_timeout;
  // The same; null and 0 mean none.
  std::shared_ptr<const v1::RetryPolicy> retry;
  int32_t max_attempts = 0;
};

// The attempt that a worker speaks for.
struct LeaseRef {
  JobId job;
  int32_t attempt = 0;
  std::string lease_id;
};

// Why state takes an attempt from its worker.
enum class LossCause { kLeaseExpired, kAttemptTimeout };

// The steps of a job's life: each changes the record as the transition table
// allows and says what happened, or nullopt if the step does not apply (then the
// record is as it was). They set revision, state, times, error; the store writes
// the record, adds the history line, and keeps the outbox: a job stands in it
// exactly while it is QUEUED. Pure but for the jitter and the random lease id.

// A record for a job that is accepted now, QUEUED or SCHEDULED, revision 1.
JobRecord NewJobRecord(const JobId& id, internal::v1::NewJob spec, std::string queue,
                       absl::Time now);

// SCHEDULED and due: QUEUED.
std::optional<Step> BecomeDue(JobRecord& job, absl::Time now);

// Answers a claim. Granted: RUNNING, attempt + 1, a new lease. Returned: stays
// QUEUED and only remembers the claim id. kNone: gone. The step is set when the
// state changed.
struct ClaimDecision {
  ClaimAnswer answer = ClaimAnswer::kNone;
  std::optional<Step> step;
  // The same claim id was answered before; nothing changed.
  bool repeated = false;
};
ClaimDecision AnswerClaim(JobRecord& job, const ClaimRequest& claim, bool queue_paused,
                          absl::Time now);

// Whether the lease is the job's current one.
bool HoldsLease(const JobRecord& job, const LeaseRef& lease);

// Whether the lease is that of the last attempt, and its holder ended it by an outcome
// of its own: what comes now is a repeat.
bool HasFinished(const JobRecord& job, const LeaseRef& lease);

// The holder of the current lease reports. The caller has checked HoldsLease.
std::optional<Step> Succeed(JobRecord& job, v1::ResultInfo result, absl::Time now);
// A job that is to stop ends whatever the error is, and keeps its detail.
std::optional<Step> Fail(JobRecord& job, v1::JobError error, const JitterDraw& draw,
                         absl::Time now);
std::optional<Step> HandBack(JobRecord& job, absl::Time now);

// The worker is lost, or overran. RUNNING: a retryable failure, and not before one
// grace from now. CANCELLING: it counts as stopped.
std::optional<Step> LoseLease(JobRecord& job, LossCause cause, const JitterDraw& draw,
                              absl::Time now);

// CancelJob. nullopt in a step: it was CANCELLING or CANCELLED already. Error:
// FAILED_PRECONDITION JOB_FINISHED.
absl::StatusOr<std::optional<Step>> RequestCancel(JobRecord& job, absl::Time now);

// RetryJob. nullopt in a step: it is back already. Error: FAILED_PRECONDITION
// JOB_NOT_RETRYABLE.
absl::StatusOr<std::optional<Step>> RequestRetry(JobRecord& job, absl::Time now);

// The wall clock was stepped while the job waits for a retry: it still waits as long as it would
// have, and no longer than it was to at its failure. Whether that changed it; makes no revision.
bool ShiftRetry(JobRecord& job, absl::Duration step, absl::Time now);

// The deadline is over.
std::optional<Step> PassDeadline(JobRecord& job, absl::Time now);

// CancelJob with `force`: a job that a worker has ends CANCELLED now, with the error FORCED, and
// its lease is no longer held. Any other is cancelled as by RequestCancel.
absl::StatusOr<std::optional<Step>> ForceCancel(JobRecord& job, absl::Time now);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_JOB_JOB_LIFECYCLE_H_
