// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_WORKER_METRICS_H_
#define SERVICES_WORKER_WORKER_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/mutex/mutex.h"
#include "services/worker/worker.h"
#include "services/worker/worker_events.h"

namespace buzzer::worker {

// Claims, attempts and run times, counted as they happen. Thread-safe.
class WorkerCounters final : public WorkerEvents {
 public:
  explicit WorkerCounters(prometheus::Registry* registry);

  // Shows what alerts ask of each handler from the first scrape on: an increase from nothing is
  // none to Prometheus.
  void Show(const Config& config);

  void OnClaimAnswered(absl::string_view answer) override;
  void OnAttemptEnded(const std::string& type, absl::string_view outcome,
                      absl::Duration ran) override;

 private:
  using CountersByLabel = absl::flat_hash_map<std::string, prometheus::Counter*>;
  struct OfType {
    prometheus::Histogram* run_seconds = nullptr;
    CountersByLabel attempts;  // by outcome
  };

  prometheus::Family<prometheus::Counter>& claims_;
  prometheus::Family<prometheus::Counter>& attempts_;
  prometheus::Family<prometheus::Histogram>& run_seconds_;
  prometheus::Counter& AttemptsOf(const std::string& type, absl::string_view outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What the families hold, found without making a map of labels for each job.
  Mutex mutex_;
  CountersByLabel claims_by_answer_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, OfType> types_ ABSL_GUARDED_BY(mutex_);
};

// What the worker tells when Prometheus asks: its slots, and whom it can reach.
// Thread-safe.
class WorkerCollector final : public prometheus::Collectable {
 public:
  // `worker` is not owned and must outlive the metrics endpoint.
  explicit WorkerCollector(Worker* worker) : worker_(worker) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  Worker* const worker_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_WORKER_METRICS_H_
