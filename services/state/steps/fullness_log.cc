// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/fullness_log.h"

#include "common/log/log.h"

namespace buzzer::state {

void FullnessLog::OnRefused(absl::string_view reason, absl::string_view why) {
  refused_at_ = clock_->Monotonic();
  if (reason == logged_ || refused_at_ - logged_at_ < kInterval) return;
  logged_ = std::string(reason);
  logged_at_ = refused_at_;
  log::Error("store_full", {{"reason", reason}, {"why", why}});
}

void FullnessLog::TellThatItTakes() {
  const absl::Duration now = clock_->Monotonic();
  // At its limit the store refuses and takes in turn.
  if (now - refused_at_ < kInterval) return;
  logged_.clear();
  logged_at_ = now;
  log::Info("store_takes_jobs");
}

}  // namespace buzzer::state
