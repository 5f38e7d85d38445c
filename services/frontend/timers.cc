// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/timers.h"

namespace buzzer::frontend {

Timers::Timers() : thread_([this] { Run(); }) {}

Timers::~Timers() { Stop(); }

Timers::Id Timers::After(absl::Duration delay, std::function<void()> function) {
  const auto due = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay);
  MutexLock lock(&mutex_);
  const Id id(due, ++last_number_);
  if (stopping_) return id;
  const auto added = timers_.emplace(id, std::move(function)).first;
  if (added == timers_.begin()) changed_.NotifyOne();
  return id;
}

void Timers::Cancel(const Id& id) {
  std::function<void()> dropped;  // Destroyed outside the lock, with all that it holds.
  MutexLock lock(&mutex_);
  const auto it = timers_.find(id);
  if (it == timers_.end()) return;
  dropped = std::move(it->second);
  timers_.erase(it);
}

void Timers::Stop() {
  std::map<Id, std::function<void()>> dropped;
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    dropped.swap(timers_);
    changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

void Timers::Run() {
  while (true) {
    std::function<void()> function;
    {
      MutexLock lock(&mutex_);
      if (stopping_) return;
      if (timers_.empty()) {
        changed_.Wait(&mutex_);
        continue;
      }
      const auto first = timers_.begin();
      const auto left = first->first.first - std::chrono::steady_clock::now();
      if (left > std::chrono::nanoseconds::zero()) {
        changed_.WaitFor(&mutex_, left);
        continue;
      }
      function = std::move(first->second);
      timers_.erase(first);
    }
    function();
  }
}

}  // namespace buzzer::frontend
