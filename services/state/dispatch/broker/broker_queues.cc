// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/broker/broker_queues.h"

#include <algorithm>

namespace buzzer::state {

bool BrokerQueues::IsPrepared(const std::string& queue) const {
  const auto it = queues_.find(queue);
  return it != queues_.end() && it->second.prepared;
}

void BrokerQueues::Unprepare(const std::string& queue) {
  if (const auto it = queues_.find(queue); it != queues_.end()) it->second.prepared = false;
}

void BrokerQueues::UnprepareAll() {
  ++epoch_;
  for (auto& [name, queue] : queues_) {
    queue.prepared = false;
    queue.failures = 0;
    queue.retry_at = -absl::InfiniteDuration();
  }
}

std::vector<BrokerQueues::Step> BrokerQueues::Begin(
    absl::Duration now, const std::function<bool(const std::string&)>& first) {
  std::vector<Step> steps;
  for (const bool with_jobs : {true, false}) {
    for (auto& [name, queue] : queues_) {
      if (queue.busy || now < queue.retry_at || (queue.prepared && !queue.suspect)) continue;
      if (queue.suspect ? alone_ : busy_ >= kAtOnce) continue;
      if (first(name) != with_jobs) continue;
      queue.busy = true;
      if (queue.suspect) {
        alone_ = true;
      } else {
        ++busy_;
      }
      const bool remake = queue.strikes >= kStrikes;
      steps.push_back({name, queue.suspect, remake, queue.prepared && !remake, epoch_});
    }
  }
  return steps;
}

BrokerQueues::Outcome BrokerQueues::OnPrepared(const Step& step, const absl::Status& status,
                                               absl::Duration now) {
  if (step.alone) {
    alone_ = false;
  } else {
    --busy_;
  }
  const auto it = queues_.find(step.queue);
  if (it == queues_.end()) return Outcome::kStale;
  Queue& queue = it->second;
  queue.busy = false;
  if (status.ok()) {
    queue.suspect = false;
    queue.strikes = 0;
    queue.failures = 0;
    if (step.epoch != epoch_) return Outcome::kStale;
    if (step.check) return Outcome::kChecked;
    queue.prepared = true;
    return Outcome::kPrepared;
  }
  ++queue.failures;
  if (absl::IsAborted(status)) {
    // Nothing says which of several it was. Alone, it is found out at once.
    if (!step.alone) {
      queue.suspect = true;
      return Outcome::kFailed;
    }
    if (++queue.strikes >= kStrikes) queue.prepared = false;
  }
  const int doublings = std::min(queue.failures - 1, 10);
  queue.retry_at = now + std::min(kFirstRetry * (1 << doublings), kLongestRetry);
  return Outcome::kFailed;
}

void BrokerQueues::Suspect(const std::string& queue) {
  if (const auto it = queues_.find(queue); it != queues_.end()) it->second.suspect = true;
}

bool BrokerQueues::IsNews(const std::string& queue) const {
  const auto it = queues_.find(queue);
  if (it == queues_.end()) return false;
  const int failures = it->second.failures;
  return (failures & (failures - 1)) == 0;
}

size_t BrokerQueues::unprepared() const {
  return static_cast<size_t>(std::count_if(queues_.begin(), queues_.end(),
                                           [](const auto& one) { return !one.second.prepared; }));
}

}  // namespace buzzer::state
