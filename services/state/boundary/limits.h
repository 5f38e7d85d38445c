// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_BOUNDARY_LIMITS_H_
#define SERVICES_STATE_BOUNDARY_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "common/limits/limits.h"

namespace buzzer::state {

// What the state service takes from whoever connects to it, beside the limits of the public
// API (common/limits), and how much of it waits in memory.

inline constexpr size_t kIdBytes = 16;  // Of a job, a claim or a lease.
inline constexpr size_t kHashBytes = 32;

// Of an installation: its queues, and the types in them (one that may wait in two counts
// twice). One worker may serve every queue.
inline constexpr size_t kMaxQueues = 200;
inline constexpr size_t kMaxTypes = 10'000;
// The view of a queue lists no more types than this.
inline constexpr size_t kMaxListedTypes = 1000;

// Of one worker, as it tells them in Hello.
inline constexpr size_t kMaxWorkerNameBytes = 127;
inline constexpr size_t kMaxVersionBytes = 127;
inline constexpr size_t kMaxQueuePrefixBytes = 127;
inline constexpr size_t kMaxProblemBytes = 512;
inline constexpr int kMaxTypesOfAWorker = 1000;
inline constexpr int kMaxQueuesOfAWorker = static_cast<int>(kMaxQueues);
inline constexpr int32_t kMaxSlotsOfAWorker = 100'000;
// AMQP's own limit.
inline constexpr int32_t kMaxPrefetch = 65'535;

// Of the answer to it.
inline constexpr int kMaxRefusals = 50;

// Of one message from a worker: claims, renewals, progress reports, outcomes, each.
inline constexpr int kMaxItemsOfAMessage = 50'000;
// The longest attempt timeout of a handler. A grace beyond kMaxGrace is cut to it.
inline constexpr absl::Duration kMaxHandlerTime = absl::Hours(366 * 24);
// A serialized Progress.data: 16 KiB of JSON are up to six times as long there.
inline constexpr size_t kMaxProgressBytes = 6 * kMaxProgressDataBytes;
inline constexpr size_t kMaxErrorReasonBytes = 127;

// A frontend has 100 000 watches, and may start new ones before it has told of those that
// it gave up.
inline constexpr size_t kMaxWatchesOfAStream = 200'000;

// A stream is not read on while this much of what was read waits for the store, or this much of
// the answers for a peer that does not take them.
inline constexpr size_t kMaxOwedBytes = 32 << 20;
inline constexpr size_t kMaxUntakenBytes = 8 << 20;
// What a claim counts while it waits: its answer has the payload.
inline constexpr size_t kClaimBytes = 64 << 10;

// Of one message, parts (see WireParts): a job has at most sixty, its labels and final reasons
// counted; the progress of fifty jobs may have eight thousand numbers each.
inline constexpr int64_t kMaxSubmitParts = 100'000;
inline constexpr int64_t kMaxWorkParts = 500'000;
inline constexpr int64_t kMaxWatchParts = static_cast<int64_t>(kMaxWatchesOfAStream);
inline constexpr int64_t kMaxCallParts = 1000;

// An answer is kept below this, well within the 16 MiB that the other side takes.
inline constexpr size_t kAnswerCutBytes = 4 << 20;

}  // namespace buzzer::state

#endif  // SERVICES_STATE_BOUNDARY_LIMITS_H_
