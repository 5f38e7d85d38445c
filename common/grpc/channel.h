// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_CHANNEL_H_
#define COMMON_GRPC_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace buzzer {

// A channel between two parts of Buzzer: notices a dead peer within about 15 s
// (keepalive), reconnects after 100 ms doubling to 2 s with jitter, and takes
// messages up to kMaxAnswerBytes, and none that is compressed. `target` is a gRPC name such as
// `127.0.0.1:7001`, `dns:///state:7001` or `unix:/run/buzzer/state.sock`. `tls_server_name` is the
// name that the peer's certificate must have; empty: that of `target`.
std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const std::string& tls_server_name = "");

// Has every channel of MakeChannel that is failing, and waits to try again, try now. Thread-safe.
void ReconnectChannels();

}  // namespace buzzer

#endif  // COMMON_GRPC_CHANNEL_H_
