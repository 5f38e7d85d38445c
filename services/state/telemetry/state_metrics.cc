// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/telemetry/state_metrics.h"

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

// What `ask` gives the callback that it gets; nullopt if it fails, or takes longer than that.
template <typename T, typename Ask>
std::optional<T> AwaitRead(Ask ask) {
  auto read = std::make_shared<std::promise<absl::StatusOr<T>>>();
  auto result = read->get_future();
  ask([read](absl::StatusOr<T> value) { read->set_value(std::move(value)); });
  if (result.wait_for(kReadLimit) != std::future_status::ready) return std::nullopt;
  absl::StatusOr<T> value = result.get();
  if (!value.ok()) return std::nullopt;
  return *std::move(value);
}

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
  const std::vector<std::string> queues = parts_.types->Queues();
  Families families;
  CollectJobs(queues, &families);
  CollectWorkers(queues, &families);
  CollectCounters(queues, &families);
  CollectSpace(&families);
  const Dispatcher::Stats stats = parts_.dispatcher->stats();
  const auto add = [&](const char* name, const char* help, double value,
                       prometheus::MetricType type = prometheus::MetricType::Gauge) {
    families.push_back(Family(name, help, type).Add(value).Take());
  };
  add("buzzer_state_dispatched_rows", "Outbox rows out at the broker.",
      static_cast<double>(stats.out));
  add("buzzer_state_broker_up", "1 while connected to the broker.", stats.broker_up);
  add("buzzer_state_broker_queues_unprepared",
      "Broker queues that are not declared (again) yet; nothing is dispatched to them.",
      static_cast<double>(stats.queues_unprepared));
  add("buzzer_state_broker_unconfirmed_seconds",
      "How long the broker has owed the confirm of a message; above some seconds a queue of it "
      "has no leader.",
      absl::ToDoubleSeconds(stats.broker_unconfirmed));
  add("buzzer_state_broker_blocked", "1 while the broker blocks publishers.", stats.broker_blocked);
  add("buzzer_state_leases", "Running attempts.", static_cast<double>(parts_.leases->size()));
  add("buzzer_state_watches", "Open watches.", static_cast<double>(parts_.hub->size()));
  add("buzzer_state_dispatches_total", "Messages published.", static_cast<double>(stats.published),
      prometheus::MetricType::Counter);
  add("buzzer_state_redispatches_total", "Times that a queue's rows were dispatched again.",
      static_cast<double>(stats.redispatches), prometheus::MetricType::Counter);
  add("buzzer_state_offered_jobs_total",
      "Jobs that lay unclaimed and were offered to workers with idle slots.",
      static_cast<double>(stats.offered), prometheus::MetricType::Counter);
  return families;
}

void StateCollector::CollectJobs(const std::vector<std::string>& queues, Families* families) const {
  const auto counts = AwaitRead<std::vector<QueueCounts>>(
      [this](auto done) { parts_.store->ReadCounts(std::move(done)); });
  // None rather than wrong ones: workers are scaled by them.
  if (!counts.has_value()) return;
  Family jobs("buzzer_state_jobs", "Jobs kept, by queue and state.");
  std::map<std::string, int64_t> demand;
  std::map<std::string, int64_t> depth;
  std::map<std::pair<std::string, int>, int64_t> by_state;
  for (const std::string& queue : queues) {
    demand[queue] = 0;
    depth[queue] = 0;
  }
  for (const QueueCounts& row : *counts) {
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
  const auto oldest = AwaitRead<std::vector<std::optional<absl::Time>>>(
      [&](auto done) { parts_.store->ReadOldestReady(queues, std::move(done)); });
  if (oldest.has_value()) {
    const absl::Time now = parts_.clock->Now();
    for (size_t i = 0; i < queues.size(); ++i) {
      const absl::Duration age =
          (*oldest)[i].has_value() ? now - *(*oldest)[i] : absl::ZeroDuration();
      lag.Add(std::max(absl::ToDoubleSeconds(age), 0.0), {{"queue", queues[i]}});
    }
  }

  // A queue that is paused stands still because somebody said so.
  Family unserved("buzzer_queue_unserved_jobs",
                  "Ready jobs of a queue of which no connected worker takes any.");
  for (const std::string& queue : queues) {
    const bool stands = !parts_.types->IsPaused(queue) && parts_.workers->Of(queue).workers == 0;
    unserved.Add(stands ? static_cast<double>(depth[queue]) : 0, {{"queue", queue}});
  }
  for (Family* family : {&jobs, &demands, &depths, &lag, &unserved}) {
    families->push_back(family->Take());
  }
}

void StateCollector::CollectWorkers(const std::vector<std::string>& queues,
                                    Families* families) const {
  Family taking("buzzer_queue_workers", "Connected workers that take jobs of the queue.");
  Family stalled("buzzer_queue_stalled_workers",
                 "Connected workers that serve the queue and take nothing of it, since something "
                 "is wrong.");
  for (const std::string& queue : queues) {
    const WorkerRegistry::QueueWorkers workers = parts_.workers->Of(queue);
    taking.Add(workers.workers, {{"queue", queue}});
    stalled.Add(workers.stalled, {{"queue", queue}});
  }
  families->push_back(taking.Take());
  families->push_back(stalled.Take());
  families->push_back(
      Family("buzzer_state_workers", "Connected workers.").Add(parts_.workers->size()).Take());
  families->push_back(Family("buzzer_state_workers_stalled",
                             "Connected workers that take nothing of any queue, since something is "
                             "wrong.")
                          .Add(parts_.workers->stalled())
                          .Take());
}

void StateCollector::CollectCounters(const std::vector<std::string>& queues,
                                     Families* families) const {
  constexpr auto kCounter = prometheus::MetricType::Counter;
  Family ended("buzzer_state_jobs_ended_total", "Jobs that ended, by queue and state.", kCounter);
  Family failed("buzzer_state_attempts_failed_total",
                "Attempts that failed, by queue and class of the reason.", kCounter);
  Family retries("buzzer_state_retries_total", "Failed attempts that another one follows.",
                 kCounter);
  Family lost("buzzer_state_leases_lost_total",
              "Attempts taken from a worker that was silent for its lease.", kCounter);
  Family back("buzzer_state_attempts_handed_back_total", "Attempts that a live worker gave up.",
              kCounter);
  Family no_handler("buzzer_state_no_handler_total",
                    "Jobs that came to a worker without a handler for their type.", kCounter);
  // From the first scrape on: an increase from nothing is none to Prometheus.
  std::map<std::string, JobCounters::Counts> by_queue;
  for (const std::string& queue : queues) by_queue.try_emplace(queue);
  for (auto& [queue, counts] : parts_.counters->Snapshot()) by_queue[queue] = std::move(counts);
  for (const auto& [queue, counts] : by_queue) {
    for (const auto& [state, count] :
         {std::pair("succeeded", counts.succeeded), std::pair("failed", counts.failed),
          std::pair("cancelled", counts.cancelled)}) {
      ended.Add(static_cast<double>(count), {{"queue", queue}, {"state", state}});
    }
    for (const auto& [reason, count] : counts.attempts_failed) {
      failed.Add(static_cast<double>(count), {{"queue", queue}, {"reason", reason}});
    }
    retries.Add(static_cast<double>(counts.retries), {{"queue", queue}});
    lost.Add(static_cast<double>(counts.leases_lost), {{"queue", queue}});
    back.Add(static_cast<double>(counts.handed_back), {{"queue", queue}});
    no_handler.Add(static_cast<double>(counts.no_handler), {{"queue", queue}});
  }
  for (Family* family : {&ended, &failed, &retries, &lost, &back, &no_handler}) {
    families->push_back(family->Take());
  }
}

void StateCollector::CollectSpace(Families* families) const {
  const StoreSpace space = parts_.store->Space();
  const auto add = [&](const char* name, const char* help, int64_t value) {
    families->push_back(Family(name, help).Add(static_cast<double>(value)).Take());
  };
  add("buzzer_state_waiting_jobs", "Jobs that wait, of all queues.", space.waiting);
  add("buzzer_state_waiting_jobs_limit", "So many may wait; then submits are refused.",
      space.max_waiting);
  add("buzzer_state_disk_floor_bytes", "Below it submits are refused.", space.disk_floor);
  if (space.disk_free.has_value()) {
    add("buzzer_state_disk_free_bytes", "Free on the disk of the database.", *space.disk_free);
  }
  const bool disk_low =
      space.disk_full || space.disk_free.value_or(space.disk_floor) < space.disk_floor;
  families->push_back(Family("buzzer_state_store_full", "1 while submits are refused for a reason.")
                          .Add(space.waiting >= space.max_waiting, {{"reason", "waiting_jobs"}})
                          .Add(disk_low, {{"reason", "disk"}})
                          .Take());
  // Where jobs come and go at the limit, no scrape may find it reached.
  Family refused("buzzer_state_submits_refused_total",
                 "Submits that were refused for want of room, by reason.",
                 prometheus::MetricType::Counter);
  for (const auto& [refusal, count] : space.refused) {
    refused.Add(static_cast<double>(count), {{"reason", std::string(RefusalName(refusal))}});
  }
  families->push_back(refused.Take());
}

}  // namespace buzzer::state
