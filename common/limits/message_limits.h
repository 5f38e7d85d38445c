// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_LIMITS_MESSAGE_LIMITS_H_
#define COMMON_LIMITS_MESSAGE_LIMITS_H_

#include <cstddef>

namespace buzzer {

// The largest messages on our gRPC lines, and what they follow from. gRPC itself refuses a
// larger one, with RESOURCE_EXHAUSTED.

// To the frontend. Ours is the better refusal, so it is as much as the gateway's largest body
// (2 MiB and 64 KiB of JSON) can become: a number of one digit and a comma takes 11 bytes of
// google.protobuf.Value. The largest payload that is legal, 1 MiB of such, takes 5.5 MiB.
inline constexpr int kMaxFrontendRequestBytes = 12 << 20;

// To the state service. A batch of submits has at most 4 MiB, or is one job; a worker's message
// at most 4 MiB of progress and outcomes, or one outcome (a result of 2 MiB), and its claims and
// renewals, of some 70 bytes each. A worker of an older version may send all its progress, however
// much it is, beside 4 MiB of outcomes.
inline constexpr int kMaxStateRequestBytes = 16 << 20;

// Where nothing but health is served.
inline constexpr int kMaxHealthRequestBytes = 64 << 10;

// What any of them answers. A page of jobs, and the payloads of one message to a worker, are
// cut at 4 MiB; a job with its payload, as protobuf, takes less than 7 MiB.
inline constexpr int kMaxAnswerBytes = 16 << 20;

// Memory that one server's connections may hold all together. gRPC gathers a message to its end
// before it looks at the size, and 100 000 watches take some 100 MiB.
inline constexpr size_t kMaxFrontendConnectionBytes = size_t{512} << 20;
inline constexpr size_t kMaxConnectionBytes = size_t{256} << 20;

}  // namespace buzzer

#endif  // COMMON_LIMITS_MESSAGE_LIMITS_H_
