// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/worker_registry.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/state/queues/troubled_queues.h"

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

const internal::v1::Hello::QueueSlots* FindQueue(const internal::v1::Hello& hello,
                                                 const std::string& queue) {
  for (const auto& served : hello.queues()) {
    if (served.queue() == queue) return &served;
  }
  return nullptr;
}

// What a worker of whom nothing is wrong as a whole takes, sorted.
std::vector<std::pair<std::string, std::string>> TakenBy(const internal::v1::Hello& hello) {
  const std::set<absl::string_view> troubled = TroubledQueues(hello);
  std::vector<std::pair<std::string, std::string>> takes;
  for (const auto& type : hello.types()) {
    if (!troubled.contains(type.queue())) takes.emplace_back(type.type(), type.queue());
  }
  std::sort(takes.begin(), takes.end());
  takes.erase(std::unique(takes.begin(), takes.end()), takes.end());
  return takes;
}

}  // namespace

void WorkerRegistry::Put(int64_t stream, const internal::v1::Hello& hello, SendCancel send,
                         std::function<void()> announce) {
  MutexLock lock(&mutex_);
  const auto [it, is_new] = by_stream_.try_emplace(stream);
  Worker& worker = it->second;
  if (!is_new) Unname(worker.hello.worker(), stream);
  worker.hello = hello;
  worker.send = std::move(send);
  worker.announce = std::move(announce);
  worker.problem.clear();
  // One from before the field may be right.
  if (!broker_queue_prefix_.empty() && !hello.broker_queue_prefix().empty() &&
      hello.broker_queue_prefix() != broker_queue_prefix_) {
    worker.problem = absl::StrCat("its --broker_queue_prefix is \"", hello.broker_queue_prefix(),
                                  "\", and that of the state service is \"", broker_queue_prefix_,
                                  "\": no job comes to the broker queues where it waits");
  }
  streams_by_name_[hello.worker()].insert(stream);
  const bool takes_any = worker.problem.empty() && !hello.draining();
  SetTakes(worker, takes_any ? TakenBy(hello) : std::vector<TypeInQueue>());
}

void WorkerRegistry::Remove(int64_t stream) {
  MutexLock lock(&mutex_);
  const auto it = by_stream_.find(stream);
  if (it == by_stream_.end()) return;
  Unname(it->second.hello.worker(), stream);
  SetTakes(it->second, {});
  by_stream_.erase(it);
}

void WorkerRegistry::Unname(const std::string& name, int64_t stream) {
  const auto it = streams_by_name_.find(name);
  if (it == streams_by_name_.end()) return;
  it->second.erase(stream);
  if (it->second.empty()) streams_by_name_.erase(it);
}

void WorkerRegistry::SetTakes(Worker& worker, std::vector<TypeInQueue> takes) {
  // A worker says Hello far more often than it changes what it takes.
  if (takes == worker.takes) return;
  MutexLock lock(&takers_mutex_);
  for (const auto& [type, queue] : takes) ++takers_[queue][type];
  for (const auto& [type, queue] : worker.takes) {
    const auto types = takers_.find(queue);
    const auto count = types->second.find(type);
    if (--count->second == 0) types->second.erase(count);
    if (types->second.empty()) takers_.erase(types);
  }
  worker.takes = std::move(takes);
}

std::string WorkerRegistry::ProblemOf(int64_t stream) const {
  MutexLock lock(&mutex_);
  const auto it = by_stream_.find(stream);
  return it == by_stream_.end() ? "" : it->second.problem;
}

WorkerRegistry::QueueWorkers WorkerRegistry::Of(const std::string& queue) const {
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  MutexLock lock(&mutex_);
  QueueWorkers sum;
  int64_t slots = 0;
  int64_t prefetch = 0;
  for (const auto& [stream, worker] : by_stream_) {
    const auto* const served = FindQueue(worker.hello, queue);
    if (served == nullptr) continue;
    // What lies at one that waits elsewhere is no message of ours.
    if (worker.problem.empty()) prefetch += served->prefetch();
    if (worker.hello.draining()) continue;
    const std::string& problem = worker.problem.empty() ? served->problem() : worker.problem;
    if (problem.empty()) {
      ++sum.workers;
      slots += served->slots();
    } else if (++sum.stalled == 1) {
      sum.stall_reason = absl::StrCat(worker.hello.worker(), ": ", problem);
    }
  }
  sum.slots = static_cast<int>(std::min(slots, kMost));
  sum.prefetch = static_cast<int>(std::min(prefetch, kMost));
  return sum;
}

bool WorkerRegistry::Takes(absl::string_view type, absl::string_view queue) const {
  MutexLock lock(&takers_mutex_);
  const auto types = takers_.find(queue);
  return types != takers_.end() && types->second.contains(type);
}

bool WorkerRegistry::Serves(const std::string& queue) const {
  MutexLock lock(&mutex_);
  for (const auto& [stream, worker] : by_stream_) {
    if (FindQueue(worker.hello, queue) != nullptr) return true;
    for (const auto& type : worker.hello.types()) {
      if (type.queue() == queue) return true;
    }
  }
  return false;
}

bool WorkerRegistry::HasHandler(const std::string& type) const {
  MutexLock lock(&mutex_);
  for (const auto& [stream, worker] : by_stream_) {
    for (const auto& handled : worker.hello.types()) {
      if (handled.type() == type) return true;
    }
  }
  return false;
}

void WorkerRegistry::AnnounceAll() const {
  std::vector<std::function<void()>> announce;
  {
    MutexLock lock(&mutex_);
    for (const auto& [stream, worker] : by_stream_) {
      if (worker.announce) announce.push_back(worker.announce);
    }
  }
  for (const auto& one : announce) one();
}

int WorkerRegistry::size() const {
  MutexLock lock(&mutex_);
  return static_cast<int>(by_stream_.size());
}

int WorkerRegistry::stalled() const {
  MutexLock lock(&mutex_);
  int stalled = 0;
  for (const auto& [stream, worker] : by_stream_) {
    const internal::v1::Hello& hello = worker.hello;
    const bool takes_any =
        worker.problem.empty() &&
        (hello.queues().empty() ||
         std::any_of(hello.queues().begin(), hello.queues().end(),
                     [](const auto& served) { return served.problem().empty(); }));
    if (!takes_any && !hello.draining()) ++stalled;
  }
  return stalled;
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
