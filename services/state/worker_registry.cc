// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/worker_registry.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace buzzer::state {
namespace {

// Whether the change is for the job's worker to hear of: it is to stop the handler. One whose
// lease was taken may live all the same.
bool IsToStop(const JobChange& change) {
  if (change.kind != JobChange::Kind::kState) return false;
  if (change.job.state == v1::Job::CANCELLING) return true;
  return IsActive(change.before) && change.job.state == v1::Job::CANCELLED &&
         change.job.lease_id.empty();
}

}  // namespace

void WorkerRegistry::Put(int64_t stream, const internal::v1::Hello& hello, SendCancel send) {
  MutexLock lock(&mutex_);
  const auto [it, is_new] = by_stream_.try_emplace(stream);
  if (!is_new) Unname(it->second.hello.worker(), stream);
  it->second = {hello, std::move(send)};
  streams_by_name_[hello.worker()].insert(stream);
}

void WorkerRegistry::Remove(int64_t stream) {
  MutexLock lock(&mutex_);
  const auto it = by_stream_.find(stream);
  if (it == by_stream_.end()) return;
  Unname(it->second.hello.worker(), stream);
  by_stream_.erase(it);
}

void WorkerRegistry::Unname(const std::string& name, int64_t stream) {
  const auto it = streams_by_name_.find(name);
  if (it == streams_by_name_.end()) return;
  it->second.erase(stream);
  if (it->second.empty()) streams_by_name_.erase(it);
}

WorkerRegistry::QueueWorkers WorkerRegistry::Of(const std::string& queue) const {
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  MutexLock lock(&mutex_);
  QueueWorkers sum;
  int64_t slots = 0;
  int64_t prefetch = 0;
  for (const auto& [stream, worker] : by_stream_) {
    for (const auto& served : worker.hello.queues()) {
      if (served.queue() != queue) continue;
      ++sum.workers;
      slots += served.slots();
      prefetch += served.prefetch();
    }
  }
  sum.slots = static_cast<int>(std::min(slots, kMost));
  sum.prefetch = static_cast<int>(std::min(prefetch, kMost));
  return sum;
}

std::vector<TypeRecord> WorkerRegistry::Types() const {
  MutexLock lock(&mutex_);
  std::vector<TypeRecord> types;
  for (const auto& [stream, worker] : by_stream_) {
    for (const auto& type : worker.hello.types()) {
      types.push_back({type.type(), type.queue(), {}});
    }
  }
  return types;
}

int WorkerRegistry::size() const {
  MutexLock lock(&mutex_);
  return static_cast<int>(by_stream_.size());
}

void WorkerRegistry::OnCommit(const std::vector<JobChange>& changes) {
  for (const JobChange& change : changes) {
    if (!IsToStop(change)) continue;
    MutexLock lock(&mutex_);
    const auto streams = streams_by_name_.find(change.job.worker);
    // One that is not connected learns it with its next renewal.
    if (streams == streams_by_name_.end()) continue;
    const auto newest = by_stream_.find(*streams->second.rbegin());
    if (newest == by_stream_.end()) continue;
    internal::v1::CancelNotice notice;
    notice.set_job_id(std::string(change.job.id.bytes()));
    notice.set_attempt(change.job.attempt);
    newest->second.send(std::move(notice));
  }
}

}  // namespace buzzer::state
