// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_SERVER_H_
#define COMMON_GRPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/limits/message_limits.h"

namespace buzzer {

// A gRPC server with what every part of Buzzer serves: grpc.health.v1.Health
// (NOT_SERVING until SetServing(true)), keepalive that suits long streams, messages
// up to `max_receive_bytes`, and no message that is compressed. Thread-safe.
class GrpcServer {
 public:
  struct Options {
    // host:port (port 0 takes a free one) or unix:PATH.
    std::string address;
    std::shared_ptr<grpc::ServerCredentials> credentials;
    // Not owned; must outlive the server.
    std::vector<grpc::Service*> services;
    // Of one message (see common/limits/message_limits.h).
    int max_receive_bytes = kMaxHealthRequestBytes;
    // Of all connections together; beyond it gRPC ends calls that take more.
    size_t max_connection_bytes = kMaxConnectionBytes;
    // Serves gRPC reflection, so that grpcurl needs no protos.
    bool reflection = false;
  };

  // UNAVAILABLE if the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options);

  // As Shutdown(0).
  ~GrpcServer();

  // The bound port; 0 for a Unix socket.
  int port() const { return port_; }

  // What the health service answers, for "" and for every service.
  void SetServing(bool serving);
  // For one name, which need not be a service of this server.
  void SetServing(const std::string& service, bool serving);

  // Takes no new calls, waits up to `grace` for those under way, then cancels
  // them. Returns when every reactor is done.
  void Shutdown(absl::Duration grace);

  // Cancels the calls under way, whatever grace a Shutdown on another thread gives them; one
  // that comes later gives none.
  void CancelCalls();

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, int port);

  const int port_;
  std::atomic<bool> cancelled_{false};
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace buzzer

#endif  // COMMON_GRPC_SERVER_H_
