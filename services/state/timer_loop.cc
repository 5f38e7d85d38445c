// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/timer_loop.h"

#include <algorithm>

namespace buzzer::state {
namespace {

// Jobs changed in one transaction.
constexpr int kBatch = 500;
constexpr absl::Duration kClockCheck = absl::Seconds(1);
// Old idempotency keys and types are looked for at least this often.
constexpr absl::Duration kHousekeeping = absl::Minutes(10);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

}  // namespace

void TimerLoop::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void TimerLoop::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void TimerLoop::OnCommit(const std::vector<JobChange>& changes) {
  MutexLock lock(&mutex_);
  for (const JobChange& change : changes) {
    if (change.kind == JobChange::Kind::kDeleted) continue;
    const std::optional<absl::Time> wake = WakeTime(change.job);
    if (wake.has_value() && (!next_.has_value() || *wake < *next_)) {
      next_ = wake;
      changed_.NotifyAll();
    }
  }
}

void TimerLoop::OnReopen() {
  MutexLock lock(&mutex_);
  next_ = absl::InfinitePast();
  changed_.NotifyAll();
}

void TimerLoop::Loop() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      while (!stopping_) {
        const absl::Time now = clock_->Now();
        if (!running_ && next_.has_value() && *next_ <= now) break;
        if (!next_.has_value()) next_ = now + kHousekeeping;
        const absl::Duration wait = running_ ? kClockCheck : std::min(*next_ - now, kClockCheck);
        changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(wait));
      }
      if (stopping_) return;
      running_ = true;
      next_ = clock_->Now() + kHousekeeping;
    }
    store_->RunTimers(kBatch, [this](absl::StatusOr<JobStore::TimerResult> result) {
      MutexLock lock(&mutex_);
      running_ = false;
      const absl::Time now = clock_->Now();
      if (!result.ok()) {
        next_ = now + kRetryDelay;
      } else if (result->next.has_value()) {
        next_ = std::min(next_.value_or(absl::InfiniteFuture()), *result->next);
      }
      changed_.NotifyAll();
    });
  }
}

}  // namespace buzzer::state
