// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_LIMITS_LIMITS_H_
#define COMMON_LIMITS_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace buzzer {

// The limits of the public API that more than one service must agree on. README's
// table of limits and the proto comments say the same.

inline constexpr size_t kMaxPayloadBytes = 1 << 20;
// A larger result fails the attempt for good with RESULT_TOO_LARGE.
inline constexpr size_t kMaxResultBytes = 2 << 20;
inline constexpr size_t kMaxProgressMessageBytes = 1024;
// Progress.data, as JSON.
inline constexpr size_t kMaxProgressDataBytes = 16 << 10;
inline constexpr size_t kMaxErrorMessageBytes = 2048;
// The tail of a program's standard error in JobError.detail.
inline constexpr size_t kMaxErrorDetailBytes = 4096;

// Levels of nesting of a payload's or a progress report's JSON.
inline constexpr int kMaxJsonDepth = 32;
inline constexpr int kMaxLabels = 32;
inline constexpr size_t kMaxLabelCharacters = 63;
inline constexpr size_t kMaxContentTypeBytes = 127;
inline constexpr size_t kMaxIdempotencyKeyBytes = 255;
inline constexpr int32_t kMaxMaxAttempts = 100;
// Of a RetryPolicy. kMinRetryDelay is that of `initial_delay`; `max_delay` is no less than that.
inline constexpr absl::Duration kMinRetryDelay = absl::Milliseconds(100);
inline constexpr absl::Duration kMaxInitialRetryDelay = absl::Hours(24);
inline constexpr absl::Duration kMaxRetryDelay = absl::Hours(7 * 24);
inline constexpr double kMaxRetryFactor = 10;
inline constexpr int kMaxFinalReasons = 16;
inline constexpr size_t kMaxReasonCharacters = 63;
// The longest that a handler may ask the next attempt to wait.
inline constexpr absl::Duration kMaxRetryAfter = absl::Hours(24);
inline constexpr absl::Duration kMaxDelay = absl::Hours(366 * 24);
inline constexpr absl::Duration kMinDeadline = absl::Seconds(1);
inline constexpr absl::Duration kMaxDeadline = absl::Hours(366 * 24);
inline constexpr absl::Duration kMinAttemptTimeout = absl::Seconds(1);
inline constexpr absl::Duration kMaxAttemptTimeout = absl::Hours(30 * 24);
inline constexpr absl::Duration kMinLease = absl::Seconds(5);
inline constexpr absl::Duration kMaxLease = absl::Hours(1);
// Of a handler, from the wish to stop to the kill. Also how long a job whose lease was lost waits
// for its old attempt to be dead.
inline constexpr absl::Duration kMaxGrace = absl::Hours(1);
inline constexpr absl::Duration kMinRetention = absl::Seconds(1);
inline constexpr absl::Duration kMaxRetention = absl::Hours(366 * 24);
inline constexpr int32_t kMaxPageSize = 1000;
// A page of jobs is cut here, so that its JSON stays below what the gateway passes (16 MiB).
inline constexpr size_t kMaxPageBytes = 4 << 20;
// Jobs that the frontend sends to the state service in one message.
inline constexpr int kMaxBatchJobs = 1000;

inline constexpr int32_t kDefaultMaxAttempts = 10;
// Together they outlive ten minutes of an outage, whatever the jitter draws.
inline constexpr absl::Duration kDefaultInitialRetryDelay = absl::Seconds(2);
inline constexpr double kDefaultRetryFactor = 2;
inline constexpr absl::Duration kDefaultMaxRetryDelay = absl::Minutes(10);
inline constexpr double kDefaultRetryJitter = 0.25;
inline constexpr absl::Duration kDefaultLease = absl::Seconds(30);
inline constexpr absl::Duration kDefaultGrace = absl::Seconds(10);
inline constexpr absl::Duration kDefaultRetention = absl::Hours(24);

}  // namespace buzzer

#endif  // COMMON_LIMITS_LIMITS_H_
