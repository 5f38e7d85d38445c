// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/worker_slots.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/string_view.h"
#include "services/state/queues/troubled_queues.h"

namespace buzzer::state {
namespace {

int Sum(int64_t a, int64_t b) {
  return static_cast<int>(std::min<int64_t>(a + b, std::numeric_limits<int>::max()));
}

}  // namespace

void WorkerSlots::Put(int64_t stream, const internal::v1::Hello& hello, bool takes_none,
                      SendOffers send) {
  Worker worker;
  worker.send = std::move(send);
  const std::set<absl::string_view> troubled = TroubledQueues(hello);
  for (const auto& type : hello.types()) {
    Type slots = {type.slots(), hello.draining() ? 0 : type.idle_slots()};
    if (takes_none || troubled.contains(type.queue())) slots = {};
    worker.types[type.type()] = {type.queue(), slots};
  }
  MutexLock lock(&mutex_);
  by_stream_[stream] = std::move(worker);
}

void WorkerSlots::Remove(int64_t stream) {
  MutexLock lock(&mutex_);
  by_stream_.erase(stream);
}

std::map<std::string, WorkerSlots::Type> WorkerSlots::TypesOf(const std::string& queue) const {
  std::map<std::string, Type> types;
  MutexLock lock(&mutex_);
  for (const auto& [stream, worker] : by_stream_) {
    for (const auto& [name, type] : worker.types) {
      if (type.queue != queue) continue;
      Type& at_all = types[name];
      at_all.slots = Sum(at_all.slots, type.slots.slots);
      at_all.idle = Sum(at_all.idle, type.slots.idle);
    }
  }
  return types;
}

void WorkerSlots::Offer(const std::string& type, const std::vector<JobId>& jobs) {
  MutexLock lock(&mutex_);
  auto next = jobs.begin();
  for (auto& [stream, worker] : by_stream_) {
    const auto served = worker.types.find(type);
    if (served == worker.types.end()) continue;
    std::vector<internal::v1::Offer> offers;
    for (int& idle = served->second.slots.idle; idle > 0 && next != jobs.end(); --idle, ++next) {
      internal::v1::Offer offer;
      offer.set_job_id(std::string(next->bytes()));
      offer.set_type(type);
      offers.push_back(std::move(offer));
    }
    if (!offers.empty()) worker.send(std::move(offers));
    if (next == jobs.end()) return;
  }
}

}  // namespace buzzer::state
