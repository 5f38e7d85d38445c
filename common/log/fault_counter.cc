// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/log/fault_counter.h"

#include <utility>

namespace buzzer::log {

int64_t FaultCounter::Note(absl::string_view key) {
  const absl::Duration now = clock_->Monotonic();
  MutexLock lock(&mutex_);
  if (kinds_.size() >= max_keys_ && !kinds_.contains(key)) ForgetQuiet(now);
  const bool has_room = kinds_.size() < max_keys_ || kinds_.contains(key);
  Kind& kind = has_room ? kinds_[key] : others_;
  ++kind.untold;
  if (now < kind.quiet_until) return 0;
  kind.quiet_until = now + interval_;
  return std::exchange(kind.untold, 0);
}

void FaultCounter::ForgetQuiet(absl::Duration now) {
  int64_t untold = 0;
  absl::erase_if(kinds_, [now, &untold](const auto& entry) {
    if (now < entry.second.quiet_until) return false;
    untold += entry.second.untold;
    return true;
  });
  others_.untold += untold;
}

}  // namespace buzzer::log
