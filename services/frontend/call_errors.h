// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_CALL_ERRORS_H_
#define SERVICES_FRONTEND_CALL_ERRORS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/job_id/job_id.h"

namespace buzzer::frontend {

// UNAVAILABLE, STATE_UNAVAILABLE, with RetryInfo: surely nothing was done, or what was
// done may be done again.
absl::Status StateUnavailable(absl::string_view why);

// DEADLINE_EXCEEDED, OUTCOME_UNKNOWN: the job may be stored or not; it names it.
absl::Status OutcomeUnknown(const JobId& job);

// UNAVAILABLE, SHUTTING_DOWN: go on from `revision` (in the ErrorInfo's metadata; left
// out if 0) at another frontend.
absl::Status ShuttingDown(int64_t revision);

// The reason of an INTERNAL error: what was asked for does not fit into one message.
inline constexpr char kAnswerTooLarge[] = "ANSWER_TOO_LARGE";

// What the caller gets for an error of the state service: itself if it has an
// ErrorInfo; StateUnavailable if it came from the connection; else INTERNAL without its
// text, which is logged instead.
absl::Status FromState(const absl::Status& status);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_CALL_ERRORS_H_
