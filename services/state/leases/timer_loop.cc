// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/leases/timer_loop.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"

namespace buzzer::state {
namespace {

// Jobs changed in one transaction.
constexpr int kBatch = 500;
constexpr absl::Duration kClockCheck = absl::Seconds(1);
// Old idempotency keys and types are looked for at least this often.
constexpr absl::Duration kHousekeeping = absl::Minutes(10);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

}  // namespace

TimerLoop::TimerLoop(JobStore* store, const Clock* clock, std::function<void()> housekeeping)
    : store_(store),
      clock_(clock),
      housekeeping_(std::move(housekeeping)),
      housekeeping_at_(clock->Monotonic() + kHousekeeping),
      steps_(clock) {}

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

absl::Duration TimerLoop::TakeStep() {
  step_ += steps_.Look();
  if (clock_->Monotonic() < shift_after_) return absl::ZeroDuration();
  return std::exchange(step_, absl::ZeroDuration());
}

void TimerLoop::Loop() {
  while (true) {
    absl::Duration step;
    {
      MutexLock lock(&mutex_);
      while (!stopping_) {
        if (!running_) step = TakeStep();
        if (step != absl::ZeroDuration()) break;
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
    if (housekeeping_ != nullptr && clock_->Monotonic() >= housekeeping_at_) {
      housekeeping_at_ = clock_->Monotonic() + kHousekeeping;
      housekeeping_();
    }
    if (step != absl::ZeroDuration()) {
      ShiftRetries(step);
    } else {
      RunTimers();
    }
  }
}

void TimerLoop::ShiftRetries(absl::Duration step) {
  log::Warning("wall_clock_stepped", {{"seconds", absl::ToDoubleSeconds(step)}});
  store_->ShiftRetries(step, [this, step](const absl::StatusOr<bool>& done) {
    MutexLock lock(&mutex_);
    running_ = false;
    if (!done.ok()) {
      step_ += step;
      shift_after_ = clock_->Monotonic() + kRetryDelay;
    }
    next_ = absl::InfinitePast();
    changed_.NotifyAll();
  });
}

void TimerLoop::RunTimers() {
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

}  // namespace buzzer::state
