// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/idle_slots.h"

#include <utility>

namespace buzzer::worker {

void IdleSlots::OnOffer(const std::string& type) {
  const auto it = types_.find(type);
  if (it != types_.end()) it->second.is_stale = true;
}

bool IdleSlots::Look(const Config& config, const Slots& slots, bool takes_jobs,
                     absl::Duration now) {
  if (now < next_look_) return false;
  next_look_ = now + kInterval;
  bool changed = false;
  std::map<std::string, Type> looked;
  for (const HandlerConfig& handler : config.handlers) {
    const Type type = types_[handler.type];
    const int idle = takes_jobs ? slots.FreeOfType(handler.type) : 0;
    changed |= idle != type.idle || type.is_stale;
    looked[handler.type] = {idle, false};
  }
  types_ = std::move(looked);
  return changed;
}

int IdleSlots::Of(const std::string& type) const {
  const auto it = types_.find(type);
  return it == types_.end() ? 0 : it->second.idle;
}

}  // namespace buzzer::worker
