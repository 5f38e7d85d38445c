// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/server.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/amqp/consumer.h"
#include "common/grpc/channel.h"
#include "common/grpc/server.h"
#include "common/job_id/job_id.h"
#include "common/log/log.h"
#include "common/metrics/metrics_endpoint.h"
#include "common/utf8/utf8.h"
#include "services/worker/grpc_state_line.h"
#include "services/worker/handlers/make_handler.h"
#include "services/worker/worker.h"
#include "services/worker/worker_metrics.h"

namespace buzzer::worker {
namespace {

// What the health service calls the two connections.
constexpr char kHealthOfState[] = "state";
constexpr char kHealthOfBroker[] = "broker";
// And that it takes jobs.
constexpr char kHealthOfWork[] = "ready";

// `host-pid-random`, at most 127 characters.
std::string MakeName() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  const std::string valid = ToValidUtf8(host);
  return absl::StrCat(Utf8Prefix(valid, 90), "-", getpid(), "-",
                      absl::BytesToHexString(RandomBytes(6)));
}

bool NeedsSupervisor(const Config& config) {
  for (const HandlerConfig& handler : config.handlers) {
    if (handler.kind == HandlerConfig::Kind::kExec) return true;
  }
  return false;
}

// What no code here can close: docs/security.md.
void SayWhoseRightsProgramsHave() {
  const uid_t user = geteuid();
  constexpr char kShared[] =
      "every job's program runs as this user id and has its rights: one can read the files, "
      "environment and memory of another that runs beside it. Give jobs that must not "
      "trust each other workers of their own, each under its own user";
  if (user == 0) {
    log::Warning("programs_run_as_root", {{"user_id", user}, {"error", kShared}});
  } else {
    log::Info("programs_share_a_user", {{"user_id", user}, {"why", kShared}});
  }
}

class RealServer final : public Server {
 public:
  RealServer(const Options& options, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : options_(options),
        name_(MakeName()),
        registry_(std::make_shared<prometheus::Registry>()),
        counters_(registry_.get()),
        worker_(WorkerOptions()) {
    counters_.Show(options.config);
    line_ = std::make_unique<GrpcStateLine>(MakeChannel(options.state_address, credentials),
                                            worker_.session(),
                                            [this](bool up) { SetHealth(kHealthOfState, up); });
    worker_.Connect(line_.get());
  }

  ~RealServer() override { Leave(); }

  absl::Status Begin() {
    if (absl::Status can = CheckPrograms(options_.config); !can.ok()) return can;
    auto metrics = MetricsEndpoint::Start(options_.metrics_address, registry_,
                                          std::make_shared<WorkerCollector>(&worker_));
    if (!metrics.ok()) return metrics.status();
    metrics_ = *std::move(metrics);

    if (absl::Status begun = BeginHealth(); !begun.ok()) return begun;

    Intake* const intake = worker_.intake();
    amqp::Consumer::Options consumer;
    consumer.address = options_.broker;
    consumer.connection_name = name_;
    consumer.on_up = [this, intake] {
      SetHealth(kHealthOfBroker, true);
      intake->OnBrokerUp();
    };
    consumer.on_down = [this, intake] {
      SetHealth(kHealthOfBroker, false);
      intake->OnBrokerDown();
    };
    consumer.on_unreachable = [intake](const std::string& why) {
      intake->OnBrokerUnreachable(why);
    };
    consumer.on_consuming = [intake](amqp::ChannelId channel) {
      intake->OnBrokerConsuming(channel);
    };
    consumer.on_delivery = [intake](const amqp::Delivery& delivery) {
      intake->OnBrokerDelivery(delivery);
    };
    consumer.on_closed = [intake](amqp::ChannelId channel, const absl::Status& why) {
      intake->OnBrokerClosed(channel, why);
    };
    consumer_ = amqp::Consumer::Start(std::move(consumer));
    worker_.Start(consumer_.get());
    line_->Start();
    return absl::OkStatus();
  }

  const std::string& name() const override { return name_; }
  int health_port() const override { return health_ == nullptr ? 0 : health_->port(); }
  int metrics_port() const override { return metrics_->port(); }

  absl::Status Reconfigure(const Config& config) override {
    if (absl::Status can = CheckPrograms(config); !can.ok()) return can;
    counters_.Show(config);
    worker_.Reconfigure(config, MakeHandlers(config));
    return absl::OkStatus();
  }

  void HandBackNow() override { worker_.HandBackNow(); }

  bool Shutdown() override {
    const bool all_returned = worker_.Drain();
    Leave();
    return all_returned;
  }

 private:
  void Leave() {
    worker_.intake()->Stop();
    consumer_.reset();
    line_->Stop();
    metrics_.reset();
    health_.reset();
  }

  // Whether this configuration's programs can be run; says once as whom they are.
  absl::Status CheckPrograms(const Config& config) {
    if (!NeedsSupervisor(config)) return absl::OkStatus();
    if (access(options_.supervisor.c_str(), X_OK) != 0) {
      return absl::NotFoundError(absl::StrCat(
          "handlers of kind exec need the program buzzer-supervisor, and ", options_.supervisor,
          " cannot be executed; put it beside buzzer-worker, or name it with --supervisor"));
    }
    if (!std::exchange(rights_are_said_, true)) SayWhoseRightsProgramsHave();
    return absl::OkStatus();
  }

  // A server of its own: whoever holds connections to /metrics delays no probe.
  absl::Status BeginHealth() {
    if (options_.health_address.empty()) return absl::OkStatus();
    GrpcServer::Options health;
    health.address = options_.health_address;
    health.credentials = grpc::InsecureServerCredentials();
    auto server = GrpcServer::Start(health);
    if (!server.ok()) return server.status();
    health_ = *std::move(server);
    health_->SetServing(true);
    SetHealth(kHealthOfState, false);
    SetHealth(kHealthOfBroker, false);
    SetHealth(kHealthOfWork, false);
    return absl::OkStatus();
  }

  void SetHealth(const char* of, bool up) {
    if (health_ != nullptr) health_->SetServing(of, up);
  }

  Worker::Options WorkerOptions() {
    Worker::Options worker;
    worker.config = options_.config;
    worker.name = name_;
    worker.broker_queue_prefix = options_.broker_queue_prefix;
    worker.handlers = MakeHandlers(options_.config);
    worker.on_readiness = [this](bool ready) { SetHealth(kHealthOfWork, ready); };
    worker.events = &counters_;
    return worker;
  }

  Worker::Handlers MakeHandlers(const Config& config) const {
    Worker::Handlers handlers;
    for (const HandlerConfig& handler : config.handlers) {
      handlers[handler.type] = MakeHandler(handler, options_.supervisor);
    }
    return handlers;
  }

  const Options options_;
  const std::string name_;
  const std::shared_ptr<prometheus::Registry> registry_;
  WorkerCounters counters_;
  // Outlives the worker, which may wake it to the end.
  std::unique_ptr<GrpcStateLine> line_;
  Worker worker_;
  std::unique_ptr<amqp::Consumer> consumer_;
  std::unique_ptr<MetricsEndpoint> metrics_;
  // Set before anything goes up or down.
  std::unique_ptr<GrpcServer> health_;
  bool rights_are_said_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options) {
  auto credentials = MakeChannelCredentials(options.tls);
  if (!credentials.ok()) return credentials.status();
  auto server = std::make_unique<RealServer>(options, *credentials);
  if (absl::Status begun = server->Begin(); !begun.ok()) return begun;
  return server;
}

}  // namespace buzzer::worker
