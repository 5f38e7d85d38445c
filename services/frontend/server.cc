// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/server.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/grpc/channel.h"
#include "common/grpc/server.h"
#include "common/limits/message_limits.h"
#include "common/metrics/metrics_endpoint.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/parts.h"
#include "services/frontend/rpc/queue_service.h"

namespace buzzer::frontend {
namespace {

// Longest wait for the state service before serving without it.
constexpr absl::Duration kFirstConnect = absl::Seconds(1);

class RealServer final : public Server {
 public:
  RealServer(const Config& config, const std::shared_ptr<grpc::Channel>& channel)
      : config_(config),
        channel_(channel),
        registry_(std::make_shared<prometheus::Registry>()),
        metrics_(registry_.get()),
        submits_(channel, config.timing, Clock::Real(), &timers_, &metrics_),
        watches_(channel, &timers_, &metrics_),
        job_service_(MakeParts()),
        queue_service_(MakeParts()),
        state_(channel, config.timing.state_deadline) {}

  ~RealServer() override { Shutdown(); }

  absl::Status Begin() {
    auto credentials = MakeServerCredentials(config_.tls);
    if (!credentials.ok()) return credentials.status();
    if (!config_.metrics_address.empty()) {
      auto endpoint = MetricsEndpoint::Start(config_.metrics_address, registry_);
      if (!endpoint.ok()) return endpoint.status();
      metrics_endpoint_ = *std::move(endpoint);
    }
    GrpcServer::Options options;
    options.address = config_.listen_address;
    options.credentials = *std::move(credentials);
    options.services = {&job_service_, &queue_service_};
    options.max_receive_bytes = kMaxFrontendRequestBytes;
    options.max_connection_bytes = kMaxFrontendConnectionBytes;
    options.reflection = config_.reflection;
    auto server = GrpcServer::Start(options);
    if (!server.ok()) return server.status();
    grpc_ = *std::move(server);
    submits_.Start();
    watches_.Open();
    // Who calls as soon as this serves is not to be refused because the lines are still
    // being connected; if state is down, that is to be said.
    channel_->WaitForConnected(absl::ToChronoTime(absl::Now() + kFirstConnect));
    grpc_->SetServing(true);
    return absl::OkStatus();
  }

  int port() const override { return grpc_->port(); }
  int metrics_port() const override {
    return metrics_endpoint_ == nullptr ? 0 : metrics_endpoint_->port();
  }

  void Shutdown() override {
    if (grpc_ != nullptr) {
      grpc_->SetServing(false);
      drains_.Drain();
      grpc_->Shutdown(config_.timing.shutdown_grace);
    }
    submits_.Stop();
    watches_.Close();
    timers_.Stop();
    metrics_endpoint_.reset();
  }

  void EndNow() override { grpc_->CancelCalls(); }

 private:
  Parts MakeParts() {
    Parts parts;
    parts.state = &state_;
    parts.submits = &submits_;
    parts.watches = &watches_;
    parts.timers = &timers_;
    parts.drains = &drains_;
    parts.metrics = &metrics_;
    parts.timing = config_.timing;
    return parts;
  }

  const Config config_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::shared_ptr<prometheus::Registry> registry_;
  FrontendMetrics metrics_;
  DrainList drains_;
  Timers timers_;
  SubmitLine submits_;
  WatchLine watches_;
  JobService job_service_;
  QueueService queue_service_;
  // Its calls use all of the above, and its end waits for them.
  StateClient state_;
  std::unique_ptr<MetricsEndpoint> metrics_endpoint_;
  std::unique_ptr<GrpcServer> grpc_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config) {
  auto credentials = MakeChannelCredentials(config.tls);
  if (!credentials.ok()) return credentials.status();
  auto server =
      std::make_unique<RealServer>(config, MakeChannel(config.state_address, *credentials));
  if (absl::Status begun = server->Begin(); !begun.ok()) return begun;
  return server;
}

}  // namespace buzzer::frontend
