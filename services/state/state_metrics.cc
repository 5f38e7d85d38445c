// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/state_metrics.h"

#include <algorithm>
#include <future>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"

namespace buzzer::state {
namespace {

// A scrape waits this long for the database, then goes without its figures.
constexpr std::chrono::seconds kReadLimit(1);

// Builds one family of gauges or counters.
class Family {
 public:
  Family(const char* name, const char* help,
         prometheus::MetricType type = prometheus::MetricType::Gauge) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }

  Family& Add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
    return *this;
  }

  prometheus::MetricFamily Take() { return std::move(family_); }

 private:
  prometheus::MetricFamily family_;
};

}  // namespace

CommitMetrics::CommitMetrics(prometheus::Registry* registry)
    : seconds_(
          prometheus::BuildHistogram()
              .Name("buzzer_state_commit_seconds")
              .Help("Time of one transaction, from its begin to on disk.")
              .Register(*registry)
              .Add({}, prometheus::Histogram::BucketBoundaries{0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                               0.01, 0.02, 0.05, 0.1, 0.5, 2})),
      writes_(prometheus::BuildHistogram()
                  .Name("buzzer_state_commit_writes")
                  .Help("Writes that shared one transaction.")
                  .Register(*registry)
                  .Add({}, prometheus::Histogram::BucketBoundaries{1, 2, 4, 8, 16, 32, 64, 128, 256,
                                                                   512, 1024, 4096})) {}

void CommitMetrics::Observe(int writes, absl::Duration took) {
  seconds_.Observe(absl::ToDoubleSeconds(took));
  writes_.Observe(writes);
}

std::vector<prometheus::MetricFamily> StateCollector::Collect() const {
  Family jobs("buzzer_state_jobs", "Jobs kept, by queue and state.");
  std::map<std::string, int64_t> demand;
  std::map<std::string, int64_t> depth;
  std::map<std::pair<std::string, int>, int64_t> by_state;
  const std::vector<std::string> queues = parts_.types->Queues();
  for (const std::string& queue : queues) {
    demand[queue] = 0;
    depth[queue] = 0;
  }
  for (const QueueCounts& row : parts_.store->Counts()) {
    for (int job_state = v1::Job::SCHEDULED; job_state <= v1::Job::CANCELLED; ++job_state) {
      by_state[{row.queue, job_state}] += row.by_state[job_state];
    }
    depth[row.queue] += row.by_state[v1::Job::QUEUED];
    demand[row.queue] += row.by_state[v1::Job::QUEUED] + row.by_state[v1::Job::RUNNING] +
                         row.by_state[v1::Job::CANCELLING];
  }
  for (const auto& [key, count] : by_state) {
    const auto name = v1::Job::State_Name(static_cast<v1::Job::State>(key.second));
    jobs.Add(static_cast<double>(count),
             {{"queue", key.first}, {"state", absl::AsciiStrToLower(name)}});
  }
  Family demands("buzzer_queue_demand", "Jobs that wait or run: what workers are needed for.");
  for (const auto& [queue, count] : demand) {
    demands.Add(static_cast<double>(count), {{"queue", queue}});
  }
  Family depths("buzzer_state_outbox_depth", "Jobs ready, at the broker or in the database.");
  for (const auto& [queue, count] : depth) {
    depths.Add(static_cast<double>(count), {{"queue", queue}});
  }

  Family lag("buzzer_state_outbox_lag_seconds", "How long the head of each queue has been ready.");
  auto read =
      std::make_shared<std::promise<absl::StatusOr<std::vector<std::optional<absl::Time>>>>>();
  auto heads = read->get_future();
  parts_.store->ReadOldestReady(queues,
                                [read](auto result) { read->set_value(std::move(result)); });
  if (heads.wait_for(kReadLimit) == std::future_status::ready) {
    if (const auto oldest = heads.get(); oldest.ok()) {
      const absl::Time now = parts_.clock->Now();
      for (size_t i = 0; i < queues.size(); ++i) {
        const absl::Duration age =
            (*oldest)[i].has_value() ? now - *(*oldest)[i] : absl::ZeroDuration();
        lag.Add(std::max(absl::ToDoubleSeconds(age), 0.0), {{"queue", queues[i]}});
      }
    }
  }

  const Dispatcher::Stats stats = parts_.dispatcher->stats();
  std::vector<prometheus::MetricFamily> families;
  families.push_back(jobs.Take());
  families.push_back(demands.Take());
  families.push_back(depths.Take());
  families.push_back(lag.Take());
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(Family(name, help).Add(value).Take());
  };
  gauge("buzzer_state_dispatched_rows", "Outbox rows out at the broker.",
        static_cast<double>(stats.out));
  gauge("buzzer_state_broker_up", "1 while connected to the broker.", stats.broker_up);
  gauge("buzzer_state_broker_queues_unprepared",
        "Broker queues that are not declared (again) yet; nothing is dispatched to them.",
        static_cast<double>(stats.queues_unprepared));
  gauge("buzzer_state_broker_unconfirmed_seconds",
        "How long the broker has owed the confirm of a message; above some seconds a queue of it "
        "has no leader.",
        absl::ToDoubleSeconds(stats.broker_unconfirmed));
  gauge("buzzer_state_broker_blocked", "1 while the broker blocks publishers.",
        stats.broker_blocked);
  gauge("buzzer_state_leases", "Running attempts.", static_cast<double>(parts_.leases->size()));
  gauge("buzzer_state_watches", "Open watches.", static_cast<double>(parts_.hub->size()));
  gauge("buzzer_state_workers", "Connected workers.", parts_.workers->size());
  families.push_back(Family("buzzer_state_dispatches_total", "Messages published.",
                            prometheus::MetricType::Counter)
                         .Add(static_cast<double>(stats.published))
                         .Take());
  families.push_back(Family("buzzer_state_redispatches_total",
                            "Times that a queue's rows were dispatched again.",
                            prometheus::MetricType::Counter)
                         .Add(static_cast<double>(stats.redispatches))
                         .Take());
  return families;
}

}  // namespace buzzer::state
