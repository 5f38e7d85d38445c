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
inline constexpr size_t kMaxFilterBytes = 1024;
// Fields of any request, those of unknown numbers included; what a payload holds is not counted.
// The API has some twenty, and labels.
inline constexpr int kMaxRequestFields = 1000;
// How long one call may be held: with the 5 s that state may then take to tell the job,
// below the gateway's 29 s.
inline constexpr absl::Duration kMaxWait = absl::Seconds(23);
inline constexpr absl::Duration kDefaultWaitJobTimeout = absl::Seconds(20);
// BatchSubmitJobs: jobs, and bytes of the request.
inline constexpr int kMaxBatchRequests = 1000;
inline constexpr size_t kMaxBatchRequestBytes = 3 << 20;
inline constexpr int32_t kDefaultPageSize = 50;

// Of what the frontend holds. Submits that wait for the state service, beyond which
// they are refused:
inline constexpr size_t kMaxPendingSubmits = 10'000;
inline constexpr size_t kMaxPendingSubmitBytes = 64 << 20;
// What goes to state in one message; it takes up to kMaxStateRequestBytes.
inline constexpr size_t kMaxBatchBytes = 4 << 20;
// One is being stored while the next is on its way.
inline constexpr size_t kMaxBatchesInFlight = 2;
inline constexpr size_t kMaxWatches = 100'000;
// State changes that wait for a slow watcher before its watch is started anew.
inline constexpr size_t kMaxBufferedChanges = 64;

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_LIMITS_H_
