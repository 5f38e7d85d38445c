// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_STREAM_WINDOW_H_
#define COMMON_GRPC_STREAM_WINDOW_H_

namespace buzzer {

// How much a peer may send on one HTTP/2 stream ahead of what was read. Left alone, gRPC
// begins with 64 KiB and finds out what fits by pings of its own, which a lone call on a quiet
// connection has to wait behind, at both ends of each hop. Takes memory only where somebody
// sends faster than we read.
inline constexpr int kStreamWindowBytes = 1 << 20;

}  // namespace buzzer

#endif  // COMMON_GRPC_STREAM_WINDOW_H_
