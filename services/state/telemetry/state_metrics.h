// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_TELEMETRY_STATE_METRICS_H_
#define SERVICES_STATE_TELEMETRY_STATE_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "services/state/dispatch/dispatcher.h"
#include "services/state/leases/lease_monitor.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/store/job_store.h"
#include "services/state/telemetry/job_counters.h"
#include "services/state/watch/job_event_hub.h"

namespace buzzer::state {

// Commit time and batch size, counted as they happen. Thread-safe.
class CommitMetrics {
 public:
  explicit CommitMetrics(prometheus::Registry* registry);
  void Observe(int writes, absl::Duration took);

 private:
  prometheus::Histogram& seconds_;
  prometheus::Histogram& writes_;
};

// What the parts of state tell when Prometheus asks: jobs by queue and state, what happened to
// them, the outbox's depth and lag, leases, watches, workers, room, the broker. Thread-safe.
class StateCollector final : public prometheus::Collectable {
 public:
  // Not owned; must outlive the metrics endpoint.
  struct Parts {
    JobStore* store = nullptr;
    const Dispatcher* dispatcher = nullptr;
    const LeaseMonitor* leases = nullptr;
    const JobEventHub* hub = nullptr;
    const WorkerRegistry* workers = nullptr;
    const TypeRegistry* types = nullptr;
    const JobCounters* counters = nullptr;
    const Clock* clock = Clock::Real();
  };
  explicit StateCollector(Parts parts) : parts_(parts) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  using Families = std::vector<prometheus::MetricFamily>;

  void CollectJobs(const std::vector<std::string>& queues, Families* families) const;
  void CollectWorkers(const std::vector<std::string>& queues, Families* families) const;
  void CollectCounters(const std::vector<std::string>& queues, Families* families) const;
  void CollectSpace(Families* families) const;

  const Parts parts_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_TELEMETRY_STATE_METRICS_H_
