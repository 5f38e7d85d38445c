// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/health/probe.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/grpc/channel.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace buzzer::health {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Asks for one name that a health service knows. OK if that is SERVING; else `not_serving`, or
// why there is no answer.
absl::Status Check(Health::Stub& stub, const std::string& service, absl::Time deadline,
                   absl::string_view not_serving) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status = stub.Check(&context, request, &response);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  if (response.status() != HealthCheckResponse::SERVING) {
    return absl::UnavailableError(not_serving);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ProbeGrpc(const GrpcProbe& probe, absl::Duration timeout) {
  auto credentials = MakeChannelCredentials(probe.tls);
  if (!credentials.ok()) return credentials.status();
  const auto stub =
      Health::NewStub(MakeChannel(probe.address, *credentials, probe.tls_server_name));
  absl::Status status = Check(*stub, "", absl::Now() + timeout, "answers that it is not serving");
  if (status.ok()) return status;
  return absl::UnavailableError(absl::StrCat(probe.address, ": ", status.message()));
}

absl::Status ProbeWorker(const std::string& address, absl::Duration timeout) {
  const auto stub = Health::NewStub(MakeChannel(address, grpc::InsecureChannelCredentials()));
  const absl::Time deadline = absl::Now() + timeout;
  for (const auto& [name, what] :
       {std::pair{"state", "not connected to the state service"},
        std::pair{"broker", "not connected to the broker"},
        std::pair{"ready", "takes no jobs; `not_ready` in its log says why"}}) {
    if (absl::Status status = Check(*stub, name, deadline, what); !status.ok()) {
      return absl::UnavailableError(absl::StrCat(address, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace buzzer::health
