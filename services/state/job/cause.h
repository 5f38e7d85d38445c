// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_JOB_CAUSE_H_
#define SERVICES_STATE_JOB_CAUSE_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace buzzer::state {

// Why a job's event came to be. The values are stored, so they only grow.
enum class Cause {
  kNone = 0,
  kSubmitted = 1,
  kDue = 2,
  kClaimed = 3,
  kSucceeded = 4,
  kFailed = 5,
  kHandedBack = 6,
  kLeaseExpired = 7,
  kAttemptTimeout = 8,
  kWorkerLost = 9,
  kCancelRequested = 10,
  kCancelled = 11,
  kCancelForced = 12,
  kDeadlineExceeded = 13,
  kRetryRequested = 14,
  kRestored = 15,
  // Of events that no history holds.
  kProgress = 16,
  kSnapshot = 17,
};

// As JobEvent.cause and the log name it, in UPPER_SNAKE_CASE; empty for kNone.
absl::string_view CauseName(Cause cause);

// The cause of this name, or nullopt: none is called so.
std::optional<Cause> CauseNamed(absl::string_view name);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_JOB_CAUSE_H_
