// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/health/probe.h"

#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace buzzer::health {
namespace {

// A HealthCheckResponse whose status is SERVING.
constexpr absl::string_view kServing("\x08\x01", 2);

absl::StatusOr<std::string> Bytes(grpc::ByteBuffer buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return absl::InternalError("the answer cannot be read");
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::StatusOr<std::string> HttpGet(const std::string& address, absl::Duration timeout) {
  const std::pair<std::string, std::string> host_port =
      absl::StrSplit(address, absl::MaxSplits(':', 1));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  int port = 0;
  if (inet_pton(AF_INET, host_port.first.c_str(), &to.sin_addr) != 1 ||
      !absl::SimpleAtoi(host_port.second, &port) || port < 1 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address, "' is not ADDRESS:PORT, such as 127.0.0.1:9103"));
  }
  to.sin_port = htons(static_cast<uint16_t>(port));

  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket");
  const absl::Cleanup close_it = [fd] { close(fd); };
  const timeval limit = absl::ToTimeval(timeout);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    return SystemError(absl::StrCat("cannot connect to ", address));
  }
  const std::string request =
      absl::StrCat("GET /metrics HTTP/1.1\r\nHost: ", address, "\r\nConnection: close\r\n\r\n");
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return SystemError("cannot send");
  }
  const absl::Time deadline = absl::Now() + timeout;
  std::string answer;
  char buffer[16384];
  while (true) {
    const ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
    if (count == 0) return answer;
    if (count < 0) return SystemError("no whole answer");
    if (absl::Now() > deadline) return absl::DeadlineExceededError("no whole answer in time");
    answer.append(buffer, static_cast<size_t>(count));
  }
}

}  // namespace

absl::Status ProbeGrpc(const GrpcProbe& probe, absl::Duration timeout) {
  auto credentials = MakeChannelCredentials(probe.tls);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!probe.tls_server_name.empty()) {
    arguments.SetSslTargetNameOverride(probe.tls_server_name);
  }
  const auto channel = grpc::CreateCustomChannel(probe.address, *credentials, arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  context.set_wait_for_ready(false);
  grpc::CompletionQueue queue;
  // A HealthCheckRequest that names no service has no bytes.
  const grpc::Slice nothing;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                          grpc::ByteBuffer(&nothing, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) {
    return absl::UnavailableError(absl::StrCat(probe.address, ": ", status.error_message()));
  }
  auto bytes = Bytes(std::move(answer));
  if (!bytes.ok()) return bytes.status();
  if (*bytes != kServing) {
    return absl::UnavailableError(absl::StrCat(probe.address, " answers that it is not serving"));
  }
  return absl::OkStatus();
}

absl::Status JudgeWorkerMetrics(absl::string_view metrics) {
  for (const auto& [metric, whom] : {std::pair{"buzzer_worker_state_up", "the state service"},
                                     std::pair{"buzzer_worker_broker_up", "the broker"}}) {
    bool found = false;
    for (absl::string_view line : absl::StrSplit(metrics, '\n')) {
      if (!absl::StartsWith(line, absl::StrCat(metric, " "))) continue;
      found = true;
      if (!absl::StartsWith(line, absl::StrCat(metric, " 1"))) {
        return absl::UnavailableError(absl::StrCat("not connected to ", whom));
      }
    }
    if (!found) return absl::UnavailableError(absl::StrCat("no worker: there is no ", metric));
  }
  return absl::OkStatus();
}

absl::Status ProbeWorker(const std::string& address, absl::Duration timeout) {
  auto answer = HttpGet(address, timeout);
  if (!answer.ok()) return answer.status();
  return JudgeWorkerMetrics(*answer);
}

}  // namespace buzzer::health
