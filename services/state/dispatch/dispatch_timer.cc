// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/dispatch_timer.h"

#include <algorithm>
#include <utility>

#include "common/clock/clock.h"

namespace buzzer::state {

DispatchTimer::DispatchTimer(absl::Duration tick_interval, std::function<void()> tick,
                             std::function<void()> release)
    : tick_interval_(tick_interval), tick_(std::move(tick)), release_(std::move(release)) {}

void DispatchTimer::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void DispatchTimer::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void DispatchTimer::TickNow() {
  MutexLock lock(&mutex_);
  tick_wanted_ = true;
  wake_.NotifyAll();
}

void DispatchTimer::ReleaseAt(absl::Duration at) {
  MutexLock lock(&mutex_);
  if (at >= release_at_) return;
  release_at_ = at;
  wake_.NotifyAll();
}

void DispatchTimer::Loop() {
  absl::Duration tick_at;
  while (true) {
    bool tick = false;
    {
      MutexLock lock(&mutex_);
      while (true) {
        if (stopping_) return;
        const absl::Duration now = Clock::Real()->Monotonic();
        tick = tick_wanted_ || now >= tick_at;
        if (tick || now >= release_at_) break;
        wake_.WaitFor(&mutex_, absl::ToChronoNanoseconds(std::min(tick_at, release_at_) - now));
      }
      if (tick) {
        tick_wanted_ = false;
      } else {
        release_at_ = absl::InfiniteDuration();
      }
    }
    if (tick) {
      tick_();
      tick_at = Clock::Real()->Monotonic() + tick_interval_;
    } else {
      release_();
    }
  }
}

}  // namespace buzzer::state
