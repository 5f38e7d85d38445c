// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervisor_watch.h"

#include <algorithm>

namespace buzzer::worker {
SupervisorWatch::Action SupervisorWatch::Look(absl::Duration waited, bool ending) {
  silent_ += std::min(waited, next_look());
  if (ending && !ending_) {
    ending_ = true;
    if (!killed_) asked_ = false;
  }
  if (killed_) return silent_ >= limits_.dies_within ? Action::kGiveUp : Action::kNone;
  if (!asked_) {
    asked_ = true;
    woken_ = false;
    silent_ = absl::ZeroDuration();
    return Action::kAsk;
  }
  if (silent_ >= (ending_ ? limits_.kill_ending_after : limits_.kill_after)) {
    killed_ = true;
    silent_ = absl::ZeroDuration();
    return Action::kKill;
  }
  if (!woken_ && silent_ >= (ending_ ? limits_.wake_ending_after : limits_.wake_after)) {
    woken_ = true;
    ++times_woken_;
    return Action::kWake;
  }
  return Action::kNone;
}

void SupervisorWatch::OnAnswer() { asked_ = false; }

absl::Duration SupervisorWatch::next_look() const {
  return asked_ || ending_ || killed_ ? limits_.look_interval : limits_.ask_interval;
}

}  // namespace buzzer::worker
