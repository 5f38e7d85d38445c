// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_LIMITS_H_
#define SERVICES_FRONTEND_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace buzzer::frontend {

// The limits that only the frontend checks. common/limits has those that services
// share; README's table and the proto comments say the same.

// Of a request.
inline constexpr int kMaxPayloadDepth = 32;
inline constexpr int kMaxLabels = 32;
inline constexpr size_t kMaxLabelCharacters = 63;
inline constexpr size_t kMaxContentTypeBytes = 127;
inline constexpr size_t kMaxIdempotencyKeyBytes = 255;
inline constexpr size_t kMaxFilterBytes = 1024;
inline constexpr int32_t kMaxMaxAttempts = 100;
inline constexpr absl::Duration kMaxDelay = absl::Hours(366 * 24);
inline constexpr absl::Duration kMinDeadline = absl::Seconds(1);
inline constexpr absl::Duration kMaxDeadline = absl::Hours(366 * 24);
inline constexpr absl::Duration kMinAttemptTimeout = absl::Seconds(1);
inline constexpr absl::Duration kMaxAttemptTimeout = absl::Hours(30 * 24);
inline constexpr absl::Duration kMinLease = absl::Seconds(5);
inline constexpr absl::Duration kMaxLease = absl::Hours(1);
inline constexpr absl::Duration kMinRetention = absl::Seconds(1);
inline constexpr absl::Duration kMaxRetention = absl::Hours(366 * 24);
// How long one call may be held: with the 5 s that state may then take to tell the job,
// below the gateway's 29 s.
inline constexpr absl::Duration kMaxWait = absl::Seconds(23);
inline constexpr absl::Duration kDefaultWaitJobTimeout = absl::Seconds(20);
// BatchSubmitJobs: jobs, and bytes of the request.
inline constexpr int kMaxBatchRequests = 1000;
inline constexpr size_t kMaxBatchRequestBytes = 3 << 20;
inline constexpr int32_t kDefaultPageSize = 50;
inline constexpr int32_t kMaxPageSize = 1000;
// A page is cut here, so that its JSON stays below what the gateway passes (16 MiB).
inline constexpr size_t kMaxPageBytes = 4 << 20;

// Of what the frontend holds. Submits that wait for the state service, beyond which
// they are refused:
inline constexpr size_t kMaxPendingSubmits = 10'000;
inline constexpr size_t kMaxPendingSubmitBytes = 64 << 20;
// What goes to state in one message; it takes up to kMaxStateRequestBytes.
inline constexpr int kMaxBatchJobs = 1000;
inline constexpr size_t kMaxBatchBytes = 4 << 20;
// One is being stored while the next is on its way.
inline constexpr size_t kMaxBatchesInFlight = 2;
inline constexpr size_t kMaxWatches = 100'000;
// State changes that wait for a slow watcher before its watch is started anew.
inline constexpr size_t kMaxBufferedChanges = 64;

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_LIMITS_H_
