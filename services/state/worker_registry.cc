// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/worker_registry.h"

#include <utility>

namespace buzzer::state {

void WorkerRegistry::Put(int64_t stream, const internal::v1::Hello& hello, SendCancel send) {
  MutexLock lock(&mutex_);
  by_stream_[stream] = {hello, std::move(send)};
  stream_by_name_[hello.worker()] = stream;
}

void WorkerRegistry::Remove(int64_t stream) {
  MutexLock lock(&mutex_);
  const auto it = by_stream_.find(stream);
  if (it == by_stream_.end()) return;
  const auto name = stream_by_name_.find(it->second.hello.worker());
  if (name != stream_by_name_.end() && name->second == stream) stream_by_name_.erase(name);
  by_stream_.erase(it);
}

WorkerRegistry::QueueWorkers WorkerRegistry::Of(const std::string& queue) const {
  MutexLock lock(&mutex_);
  QueueWorkers sum;
  for (const auto& [stream, worker] : by_stream_) {
    for (const auto& served : worker.hello.queues()) {
      if (served.queue() != queue) continue;
      ++sum.workers;
      sum.slots += served.slots();
      sum.prefetch += served.prefetch();
    }
  }
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
    if (change.kind != JobChange::Kind::kState || change.job.state != v1::Job::CANCELLING) continue;
    MutexLock lock(&mutex_);
    const auto name = stream_by_name_.find(change.job.worker);
    // One that is not connected learns it with its next renewal.
    if (name == stream_by_name_.end()) continue;
    internal::v1::CancelNotice notice;
    notice.set_job_id(std::string(change.job.id.bytes()));
    notice.set_attempt(change.job.attempt);
    by_stream_[name->second].send(std::move(notice));
  }
}

}  // namespace buzzer::state
