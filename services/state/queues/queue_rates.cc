// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/queue_rates.h"

#include <algorithm>

namespace buzzer::state {

void QueueRates::Window::Add(int64_t second) {
  Bucket& bucket = buckets_[static_cast<size_t>(second % kSeconds)];
  if (bucket.second != second) bucket = {second, 0};
  ++bucket.count;
}

int64_t QueueRates::Window::Sum(int64_t now_second) const {
  int64_t sum = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.second > now_second - kSeconds) sum += bucket.count;
  }
  return sum;
}

QueueRates::Rates QueueRates::Of(const std::string& queue) const {
  // Younger than a minute: the rate over the time there was.
  const double seconds = std::clamp(absl::ToDoubleSeconds(clock_->Monotonic() - since_), 1.0,
                                    static_cast<double>(kSeconds));
  const int64_t second = Second();
  MutexLock lock(&mutex_);
  const auto it = by_queue_.find(queue);
  if (it == by_queue_.end()) return {};
  const auto per_second = [&](const Window& window) {
    return static_cast<double>(window.Sum(second)) / seconds;
  };
  return {per_second(it->second.submitted), per_second(it->second.started),
          per_second(it->second.ended)};
}

void QueueRates::OnCommit(const std::vector<JobChange>& changes) {
  const int64_t second = Second();
  MutexLock lock(&mutex_);
  for (const JobChange& change : changes) {
    if (change.kind != JobChange::Kind::kState) continue;
    Windows& windows = by_queue_[change.job.queue];
    if (change.before == v1::Job::STATE_UNSPECIFIED) windows.submitted.Add(second);
    if (change.job.state == v1::Job::RUNNING) windows.started.Add(second);
    if (IsTerminal(change.job.state)) windows.ended.Add(second);
  }
}

}  // namespace buzzer::state
