// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/lease_keeper.h"

#include <algorithm>
#include <utility>

namespace buzzer::worker {
namespace {

constexpr absl::Duration kMinInterval = absl::Milliseconds(50);
constexpr absl::Duration kMaxInterval = absl::Seconds(10);

}  // namespace

LeaseKeeper::LeaseKeeper(StateSession* session, absl::Duration outage_limit, const Clock* clock)
    : session_(session),
      clock_(clock),
      outage_limit_(outage_limit),
      thread_(clock, [this] { return Tick(); }) {}

absl::Duration LeaseKeeper::Interval(const Attempt& attempt) const {
  return std::max(std::min({attempt.job().lease / 3, outage_limit_ / 3, kMaxInterval}),
                  kMinInterval);
}

void LeaseKeeper::SetOutageLimit(absl::Duration limit) {
  {
    MutexLock lock(&mutex_);
    outage_limit_ = limit;
  }
  // A shorter one may be over already.
  thread_.Schedule(clock_->Monotonic());
}

void LeaseKeeper::Add(std::shared_ptr<Attempt> attempt) {
  const absl::Duration timeout = attempt->timeout() > absl::ZeroDuration()
                                     ? attempt->started() + attempt->timeout()
                                     : absl::InfiniteDuration();
  absl::Duration first;
  {
    MutexLock lock(&mutex_);
    first = attempt->started() + Interval(*attempt);
    const AttemptKey key = attempt->lease().key;
    kept_[key] = {std::move(attempt), first, timeout};
  }
  thread_.Schedule(std::min(first, timeout));
}

void LeaseKeeper::Remove(const AttemptKey& key) {
  MutexLock lock(&mutex_);
  kept_.erase(key);
}

void LeaseKeeper::RenewAll() {
  MutexLock lock(&mutex_);
  for (const auto& [key, kept] : kept_) session_->Renew(kept.attempt->lease());
}

absl::Duration LeaseKeeper::Tick() {
  MutexLock lock(&mutex_);
  const absl::Duration now = clock_->Monotonic();
  const absl::Duration heard = session_->last_heard();
  absl::Duration next = absl::InfiniteDuration();
  for (auto& [key, kept] : kept_) {
    Attempt& attempt = *kept.attempt;
    if (now >= kept.next_renewal) {
      // In this order: state must not think the lease newer than the supervisor does.
      attempt.Heartbeat();
      session_->Renew(attempt.lease());
      kept.next_renewal = now + Interval(attempt);
    }
    if (now >= kept.timeout) {
      attempt.Stop(StopCause::kAttemptTimeout);
      kept.timeout = absl::InfiniteDuration();
    }
    const absl::Duration outage = std::max(heard, attempt.started()) + outage_limit_;
    if (now >= outage) {
      attempt.Stop(StopCause::kStateOutage);
    } else {
      next = std::min(next, outage);
    }
    next = std::min({next, kept.next_renewal, kept.timeout});
  }
  return next;
}

}  // namespace buzzer::worker
