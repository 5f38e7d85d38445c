// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/server.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.pb.h"

namespace buzzer {

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options) {
  // Held for ever: when its last user is gone, gRPC joins a thread that may sleep 10 s.
  [[maybe_unused]] static const bool kHoldsGrpc = (grpc_init(), true);
  grpc::EnableDefaultHealthCheckService(true);
  if (options.reflection) {
    // gRPC serves health without a descriptor; having ours linked in, reflection can explain it.
    (void)grpc::health::v1::HealthCheckRequest::descriptor();
    // The plugin registers itself for every server built after this.
    static std::once_flag once;
    std::call_once(once, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
  }
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.address, options.credentials, &port);
  // Few calls are synchronous, and none of them hurries.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  builder.SetMaxReceiveMessageSize(options.max_receive_bytes);
  builder.SetMaxSendMessageSize(kMaxAnswerBytes);
  // gRPC would unpack a compressed message before it looks at the size: 260 KB became 256 MB.
  // A call that names a compression is refused (UNIMPLEMENTED, with the name), and nothing is
  // ever unpacked, whatever a message's flag says.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // gRPC also gathers a message to its end before it looks at the size, however long that is:
  // the quota ends the call that takes too much meanwhile.
  builder.SetResourceQuota(grpc::ResourceQuota("buzzer").Resize(options.max_connection_bytes));
  // As much as the gateway passes: what is too long is for our code to refuse, with the
  // field's name, and not for gRPC (8 KiB unless set), without.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // A taken port is an error.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  // gRPC looks for a larger window than 64 KiB by pings of its own, one for nearly each call
  // of a quiet connection, and each wakes threads at both ends. A message that is being read
  // gets a window of up to 1 MiB without them.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const bool is_unix = absl::StartsWith(options.address, "unix:");
  if (server == nullptr || (port == 0 && !is_unix)) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.address, "; is the port taken?"));
  }
  auto started = std::unique_ptr<GrpcServer>(new GrpcServer(std::move(server), is_unix ? 0 : port));
  started->SetServing(false);
  return started;
}

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, int port)
    : port_(port), server_(std::move(server)) {}

GrpcServer::~GrpcServer() { Shutdown(absl::ZeroDuration()); }

void GrpcServer::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void GrpcServer::SetServing(const std::string& service, bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(service, serving);
}

void GrpcServer::Shutdown(absl::Duration grace) {
  const absl::Duration left = cancelled_ ? absl::ZeroDuration() : grace;
  server_->Shutdown(absl::ToChronoTime(absl::Now() + left));
  server_->Wait();
}

void GrpcServer::CancelCalls() {
  cancelled_ = true;
  grpc_server_cancel_all_calls(server_->c_server());
}

}  // namespace buzzer
