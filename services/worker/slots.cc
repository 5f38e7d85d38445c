// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/slots.h"

#include <algorithm>

namespace buzzer::worker {
namespace {

// Results are at most 2 MiB, so this bounds the memory that outcomes hold.
constexpr int kMaxWaitingOutcomesPerSlot = 4;

}  // namespace

Slots::Slots(const Config& config) : total_(config.slots) {
  for (const HandlerConfig& handler : config.handlers) {
    types_[handler.type] = {handler.queue, handler.concurrency, 0};
  }
}

bool Slots::IsFull() const {
  return busy_ >= total_ || waiting_outcomes_ >= kMaxWaitingOutcomesPerSlot * total_;
}

bool Slots::IsFree(const std::string& type) const {
  const auto it = types_.find(type);
  return it != types_.end() && it->second.busy < it->second.limit && !IsFull();
}

void Slots::Take(const std::string& type) {
  ++types_.at(type).busy;
  ++busy_;
}

void Slots::Free(const std::string& type) {
  --types_.at(type).busy;
  --busy_;
}

int Slots::FreeOf(const std::string& queue) const {
  if (IsFull()) return 0;
  int free = 0;
  for (const auto& [name, type] : types_) {
    if (type.queue == queue) free += type.limit - type.busy;
  }
  return std::min(free, total_ - busy_);
}

int Slots::LimitOf(const std::string& queue) const {
  int limit = 0;
  for (const auto& [name, type] : types_) {
    if (type.queue == queue) limit += type.limit;
  }
  return std::min(limit, total_);
}

}  // namespace buzzer::worker
