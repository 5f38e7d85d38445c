// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_OUTCOME_H_
#define SERVICES_WORKER_OUTCOME_H_

#include <optional>

#include "buzzer/internal/v1/work_service.pb.h"
#include "services/worker/attempt.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// What the state service is told of an attempt whose handler returned `result` after it
// was asked to stop for `cause` (or was not). A success counts whatever was asked.
// nullopt: nothing, since the lease is lost.
std::optional<internal::v1::Outcome> MakeOutcome(const Attempt& attempt, HandlerResult result,
                                                 StopCause cause);

// For an attempt that shall run elsewhere.
internal::v1::Outcome MakeHandedBack(const LeaseRef& lease);

// A word for logs and metrics: succeeded, failed, failed_retryable, cancelled,
// timed_out, not_started (a program), handed_back, lost.
const char* OutcomeName(const std::optional<internal::v1::Outcome>& outcome);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_OUTCOME_H_
