// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/server.h"

#include <utility>

#include "common/grpc/server.h"
#include "common/limits/message_limits.h"
#include "common/log/log.h"
#include "common/metrics/metrics_endpoint.h"
#include "services/state/dispatch/dispatcher.h"
#include "services/state/leases/lease_monitor.h"
#include "services/state/leases/timer_loop.h"
#include "services/state/open_store.h"
#include "services/state/queues/queue_rates.h"
#include "services/state/queues/queue_views.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/wait_reasons.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/rpc/backup_service.h"
#include "services/state/rpc/state_service.h"
#include "services/state/rpc/work_service.h"
#include "services/state/telemetry/job_counters.h"
#include "services/state/telemetry/job_log.h"
#include "services/state/telemetry/state_metrics.h"
#include "services/state/watch/job_event_hub.h"

namespace buzzer::state {
namespace {

// Streams stay open until they are cancelled; this is for the calls under way.
constexpr absl::Duration kShutdownGrace = absl::Milliseconds(500);

class RealServer final : public Server {
 public:
  RealServer(const Options& options, std::unique_ptr<JobStore> store,
             std::shared_ptr<prometheus::Registry> registry,
             std::unique_ptr<CommitMetrics> commit_metrics)
      : options_(options),
        registry_(std::move(registry)),
        commit_metrics_(std::move(commit_metrics)),
        store_(std::move(store)),
        workers_(options.broker_queue_prefix),
        waits_(&types_, &workers_),
        leases_(store_.get(), Clock::Real()),
        dispatcher_(DispatcherOptions()),
        hub_(store_.get(), &waits_),
        rates_(Clock::Real()),
        timers_(store_.get(), Clock::Real(), [this] { RefreshTypes(); }),
        types_(
            store_.get(), Clock::Real(),
            [this](const std::string& queue) { dispatcher_.AddQueue(queue); },
            [this](const std::string& queue) { dispatcher_.RemoveQueue(queue); }),
        queues_({store_.get(), &types_, &workers_, &rates_, Clock::Real(),
                 options.config.max_waiting_by_queue}),
        state_service_({store_.get(), &types_, &hub_, &dispatcher_, &queues_, &workers_, &waits_}),
        work_service_({store_.get(), &leases_, &types_, &workers_, &slots_}),
        backup_service_(options.data_directory, options.min_free_disk) {}

  ~RealServer() override { Shutdown(); }

  absl::Status Begin() {
    // In this order each commit is told: leases first, so that a claim is watched over
    // before anybody hears of it.
    for (CommitObserver* observer : std::initializer_list<CommitObserver*>{
             &leases_, &dispatcher_, &hub_, &rates_, &counters_, &timers_, &workers_, &job_log_}) {
      store_->AddObserver(observer);
    }
    types_.Declare(options_.config.types);
    for (const auto& [queue, limit] : options_.config.max_waiting_by_queue) {
      types_.DeclareQueue(queue);
    }
    if (absl::Status loaded = types_.Load(); !loaded.ok()) return loaded;
    // A type may be forgotten while jobs of it wait.
    types_.TakeUpQueuesWithJobs();
    for (const std::string& queue : types_.PausedQueues()) dispatcher_.SetPaused(queue, true);
    if (absl::Status started = leases_.Start(); !started.ok()) return started;
    timers_.Start();
    dispatcher_.Start();

    auto metrics = MetricsEndpoint::Start(options_.metrics_address, registry_,
                                          std::make_shared<StateCollector>(StateCollector::Parts{
                                              store_.get(), &dispatcher_, &leases_, &hub_,
                                              &workers_, &types_, &counters_, Clock::Real()}));
    if (!metrics.ok()) return metrics.status();
    metrics_ = *std::move(metrics);

    auto credentials = MakeServerCredentials(options_.tls);
    if (!credentials.ok()) return credentials.status();
    GrpcServer::Options grpc;
    grpc.address = options_.listen_address;
    grpc.credentials = *std::move(credentials);
    grpc.services = {&state_service_, &work_service_, &backup_service_};
    grpc.max_receive_bytes = kMaxStateRequestBytes;
    auto server = GrpcServer::Start(grpc);
    if (!server.ok()) return server.status();
    grpc_ = *std::move(server);
    grpc_->SetServing(true);
    return absl::OkStatus();
  }

  int port() const override { return grpc_->port(); }
  int metrics_port() const override { return metrics_->port(); }

  void Shutdown() override {
    if (grpc_ != nullptr) {
      grpc_->SetServing(false);
      grpc_->Shutdown(kShutdownGrace);
    }
    metrics_.reset();
    timers_.Stop();
    leases_.Stop();
    dispatcher_.Stop();
    // Commits what is still pending; everything that it tells must outlive it.
    store_.reset();
  }

 private:
  // A worker says what it serves when it connects, which may be long ago.
  void RefreshTypes() {
    workers_.AnnounceAll();
    types_.Forget();
    // A job may have been submitted just as its queue was forgotten.
    types_.TakeUpQueuesWithJobs();
  }

  Dispatcher::Options DispatcherOptions() {
    Dispatcher::Options dispatcher;
    dispatcher.store = store_.get();
    dispatcher.broker = options_.broker;
    dispatcher.queue_prefix = options_.broker_queue_prefix;
    dispatcher.worker_slots = &slots_;
    dispatcher.workers_of = [this](const std::string& queue) { return workers_.Of(queue); };
    return dispatcher;
  }

  const Options options_;
  const std::shared_ptr<prometheus::Registry> registry_;
  const std::unique_ptr<CommitMetrics> commit_metrics_;
  std::unique_ptr<JobStore> store_;
  WorkerRegistry workers_;
  const WaitReasons waits_;
  WorkerSlots slots_;
  LeaseMonitor leases_;
  Dispatcher dispatcher_;
  JobEventHub hub_;
  QueueRates rates_;
  JobCounters counters_;
  JobLog job_log_;
  TimerLoop timers_;
  TypeRegistry types_;
  QueueViews queues_;
  StateService state_service_;
  WorkService work_service_;
  BackupService backup_service_;
  std::unique_ptr<MetricsEndpoint> metrics_;
  std::unique_ptr<GrpcServer> grpc_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options) {
  auto registry = std::make_shared<prometheus::Registry>();
  auto commit_metrics = std::make_unique<CommitMetrics>(registry.get());
  JobStoreOptions store_options;
  store_options.limits.max_waiting = options.max_waiting;
  store_options.limits.max_waiting_by_queue = options.config.max_waiting_by_queue;
  store_options.limits.min_free_disk = options.min_free_disk;
  store_options.on_commit = [metrics = commit_metrics.get()](int writes, absl::Duration took) {
    metrics->Observe(writes, took);
  };
  auto store = OpenSqliteJobStore(options.data_directory, std::move(store_options));
  if (!store.ok()) return store.status();
  auto server = std::make_unique<RealServer>(options, *std::move(store), std::move(registry),
                                             std::move(commit_metrics));
  if (absl::Status begun = server->Begin(); !begun.ok()) return begun;
  return server;
}

}  // namespace buzzer::state
