// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_JOB_STATE_MACHINE_H_
#define SERVICES_STATE_JOB_STATE_MACHINE_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "buzzer/v1/job.pb.h"
#include "common/job_state/job_state.h"

namespace buzzer::state {

using JobState = v1::Job::State;

// What can happen to a job. Each names one column of the transition table.
enum class Trigger {
  kDue,              // its run_at is reached
  kClaim,            // a worker takes it
  kSucceed,          // the current attempt ended well
  kFailForNow,       // it failed, and the allowance lets another attempt follow
  kFailForGood,      // it failed, and none follows
  kHandBack,         // a live worker gave it up
  kRequestCancel,    // CancelJob
  kPassDeadline,     // the job's deadline is over
  kStopForCancel,    // the handler has stopped, or was lost, after CancelJob
  kStopForDeadline,  // the same after the deadline
  kRequestRetry,     // RetryJob
  kForceCancel,      // CancelJob with `force`: nobody waits for the worker
};

inline constexpr Trigger kAllTriggers[] = {
    Trigger::kDue,           Trigger::kClaim,
    Trigger::kSucceed,       Trigger::kFailForNow,
    Trigger::kFailForGood,   Trigger::kHandBack,
    Trigger::kRequestCancel, Trigger::kPassDeadline,
    Trigger::kStopForCancel, Trigger::kStopForDeadline,
    Trigger::kRequestRetry,  Trigger::kForceCancel,
};

// The one table that decides every change of state: where `trigger` leads from
// `from`, or nullopt if it may not happen there. Pure.
std::optional<JobState> Next(JobState from, Trigger trigger);

// A worker holds, or held until a moment ago, a lease: RUNNING or CANCELLING.
bool IsActive(JobState state);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_JOB_STATE_MACHINE_H_
