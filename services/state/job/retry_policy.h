// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_JOB_RETRY_POLICY_H_
#define SERVICES_STATE_JOB_RETRY_POLICY_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer::state {

// Where in [0, 1) the jitter of one delay falls.
using JitterDraw = std::function<double()>;

// Uniform. Thread-safe.
double DrawJitter();

// The policy that counts for a job: each field as the submit has it, else as the handler has it,
// else the default; all are set but perhaps the final reasons. Where the longest delay would be
// below the first since they come from different places, the one from the nearer place counts
// for both. Both policies are sound.
v1::RetryPolicy EffectivePolicy(const v1::RetryPolicy& submitted, const v1::RetryPolicy& handlers);

// How long to wait after so many failures (1 or more) by an effective policy; `draw` is a
// JitterDraw's.
absl::Duration RetryDelay(const v1::RetryPolicy& policy, int failures, double draw);

// Whether an error of this reason ends the job by the policy.
bool IsFinal(const v1::RetryPolicy& policy, const std::string& reason);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_JOB_RETRY_POLICY_H_
