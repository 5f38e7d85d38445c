// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/idle_slots.h"

#include <algorithm>
#include <utility>

namespace buzzer::worker {

void IdleSlots::OnOffered(const std::string& type) {
  const auto it = types_.find(type);
  if (it != types_.end()) it->second.offered_since = true;
}

bool IdleSlots::Look(const Config& config, const Slots& slots, bool takes_jobs,
                     absl::Duration now) {
  if (now < next_look_) return false;
  next_look_ = now + kInterval;
  bool changed = false;
  std::map<std::string, Type> looked;
  for (const HandlerConfig& handler : config.handlers) {
    Type type = std::exchange(types_[handler.type], {});
    const int free = takes_jobs ? slots.FreeOfType(handler.type) : 0;
    const int idle = type.offered_since ? 0 : std::min(type.free, free);
    changed |= idle != type.idle;
    looked[handler.type] = {idle, free, false};
  }
  types_ = std::move(looked);
  return changed;
}

int IdleSlots::Of(const std::string& type) const {
  const auto it = types_.find(type);
  return it == types_.end() ? 0 : it->second.idle;
}

}  // namespace buzzer::worker
