// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/slots.h"

#include <algorithm>

namespace buzzer::worker {
namespace {

// Results are at most 2 MiB, so this bounds the memory that outcomes hold.
constexpr int kMaxWaitingOutcomesPerSlot = 4;

}  // namespace

Slots::Slots(const Config& config) { Reconfigure(config); }

void Slots::Reconfigure(const Config& config) {
  total_ = config.slots;
  for (auto& [name, type] : types_) type.limit = 0;
  for (const HandlerConfig& handler : config.handlers) {
    Type& type = types_[handler.type];
    type.queue = handler.queue;
    type.limit = handler.concurrency;
  }
  std::erase_if(
      types_, [](const auto& entry) { return entry.second.limit == 0 && entry.second.busy == 0; });
}

bool Slots::HasHandler(const std::string& type) const { return LimitOfType(type) > 0; }

bool Slots::IsFull() const {
  return busy_ >= total_ || waiting_outcomes_ >= kMaxWaitingOutcomesPerSlot * total_;
}

void Slots::Take(const std::string& type) {
  ++types_.at(type).busy;
  ++busy_;
}

void Slots::Free(const std::string& type) {
  --busy_;
  const auto it = types_.find(type);
  if (--it->second.busy == 0 && it->second.limit == 0) types_.erase(it);
}

int Slots::FreeOfType(const std::string& type) const {
  const auto it = types_.find(type);
  if (it == types_.end() || IsFull()) return 0;
  return std::max(0, std::min(it->second.limit - it->second.busy, total_ - busy_));
}

int Slots::LimitOfType(const std::string& type) const {
  const auto it = types_.find(type);
  return it == types_.end() ? 0 : std::min(it->second.limit, total_);
}

int Slots::FreeOf(const std::string& queue) const {
  if (IsFull()) return 0;
  int free = 0;
  for (const auto& [name, type] : types_) {
    if (type.queue == queue) free += std::max(0, type.limit - type.busy);
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
