// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/worker_metrics.h"

#include <algorithm>

#include "absl/time/time.h"

namespace buzzer::worker {
namespace {

const prometheus::Histogram::BucketBoundaries kRunSeconds = {
    0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 28800};

prometheus::MetricFamily Gauge(const char* name, const char* help, double value) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Gauge;
  family.metric.emplace_back().gauge.value = value;
  return family;
}

prometheus::MetricFamily QueuesTaken(const Readiness& readiness) {
  prometheus::MetricFamily family;
  family.name = "buzzer_worker_queue_taken";
  family.help = "1 if jobs of the queue are taken, or would be with a free slot";
  family.type = prometheus::MetricType::Gauge;
  for (const auto& [queue, is_taken] : readiness.queues()) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{"queue", queue}};
    metric.gauge.value = is_taken ? 1 : 0;
  }
  return family;
}

prometheus::MetricFamily Problems(const Readiness& readiness) {
  using Reason = Readiness::Reason;
  prometheus::MetricFamily family;
  family.name = "buzzer_worker_problems";
  family.help = "What keeps the worker from taking jobs, by reason; the log says more";
  family.type = prometheus::MetricType::Gauge;
  const auto problems = readiness.problems();
  for (const Reason reason :
       {Reason::kState, Reason::kBroker, Reason::kQueue, Reason::kRefused, Reason::kDraining}) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{"reason", ReasonName(reason)}};
    metric.gauge.value = static_cast<double>(std::count_if(
        problems.begin(), problems.end(),
        [reason](const Readiness::Problem& problem) { return problem.reason == reason; }));
  }
  return family;
}

}  // namespace

WorkerCounters::WorkerCounters(prometheus::Registry* registry)
    : claims_(prometheus::BuildCounter()
                  .Name("buzzer_worker_claims_total")
                  .Help("Claims by the state service's answer")
                  .Register(*registry)),
      attempts_(prometheus::BuildCounter()
                    .Name("buzzer_worker_attempts_total")
                    .Help("Ended attempts by job type and outcome")
                    .Register(*registry)),
      run_seconds_(prometheus::BuildHistogram()
                       .Name("buzzer_worker_run_seconds")
                       .Help("From the grant of an attempt to its handler's return, by job type")
                       .Register(*registry)) {}

void WorkerCounters::OnClaimAnswered(absl::string_view answer) {
  MutexLock lock(&mutex_);
  prometheus::Counter*& claims = claims_by_answer_[answer];
  if (claims == nullptr) claims = &claims_.Add({{"answer", std::string(answer)}});
  claims->Increment();
}

void WorkerCounters::Show(const Config& config) {
  MutexLock lock(&mutex_);
  for (const HandlerConfig& handler : config.handlers) AttemptsOf(handler.type, "not_started");
}

prometheus::Counter& WorkerCounters::AttemptsOf(const std::string& type,
                                                absl::string_view outcome) {
  prometheus::Counter*& attempts = types_[type].attempts[outcome];
  if (attempts == nullptr) {
    attempts = &attempts_.Add({{"type", type}, {"outcome", std::string(outcome)}});
  }
  return *attempts;
}

void WorkerCounters::OnAttemptEnded(const std::string& type, absl::string_view outcome,
                                    absl::Duration ran) {
  MutexLock lock(&mutex_);
  AttemptsOf(type, outcome).Increment();
  OfType& of_type = types_[type];
  if (of_type.run_seconds == nullptr) {
    of_type.run_seconds = &run_seconds_.Add({{"type", type}}, kRunSeconds);
  }
  of_type.run_seconds->Observe(absl::ToDoubleSeconds(ran));
}

std::vector<prometheus::MetricFamily> WorkerCollector::Collect() const {
  const Readiness& readiness = worker_->readiness();
  return {
      Gauge("buzzer_worker_ready", "1 if jobs are taken of one queue at least",
            readiness.ready() ? 1 : 0),
      QueuesTaken(readiness),
      Problems(readiness),
      Gauge("buzzer_worker_slots", "Most jobs at once", worker_->slots()),
      Gauge("buzzer_worker_slots_busy", "Slots taken by running handlers and claims under way",
            worker_->intake()->slots_busy()),
      Gauge("buzzer_worker_attempts_unsettled",
            "Attempts that run, or whose outcome is not taken yet", worker_->runner().unsettled()),
      Gauge("buzzer_worker_broker_up", "1 if the broker is connected",
            worker_->intake()->broker_up() ? 1 : 0),
      Gauge("buzzer_worker_state_up", "1 if the state service is connected",
            worker_->session()->up() ? 1 : 0),
  };
}

}  // namespace buzzer::worker
