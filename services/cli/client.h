// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_CLIENT_H_
#define SERVICES_CLI_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "buzzer/v1/queue_service.grpc.pb.h"
#include "common/grpc/status.h"
#include "services/cli/settings.h"

namespace buzzer::cli {

// The public API as the commands use it: one call after the other, each waited for, since
// a command has nothing else to do meanwhile. Lives on the main thread.
class Client {
 public:
  // Connects at the first call. INVALID_ARGUMENT if the TLS files are wrong.
  static absl::StatusOr<Client> Make(const Settings& settings);

  // As `Call(&v1::JobService::StubInterface::GetJob, request)`.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::JobService::StubInterface::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    return CallOn(jobs_.get(), method, request);
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::QueueService::StubInterface::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    return CallOn(queues_.get(), method, request);
  }

  v1::JobService::StubInterface* jobs() { return jobs_.get(); }

 private:
  Client(const std::shared_ptr<grpc::Channel>& channel, absl::Duration timeout)
      : jobs_(v1::JobService::NewStub(channel)),
        queues_(v1::QueueService::NewStub(channel)),
        timeout_(timeout) {}

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallOn(Stub* stub,
                                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Response*),
                                  const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
    Response response;
    const grpc::Status status = (stub->*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status);
    return response;
  }

  std::unique_ptr<v1::JobService::StubInterface> jobs_;
  std::unique_ptr<v1::QueueService::StubInterface> queues_;
  absl::Duration timeout_;
};

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_CLIENT_H_
