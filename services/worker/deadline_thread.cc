// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/deadline_thread.h"

#include <algorithm>

namespace buzzer::worker {

void DeadlineThread::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void DeadlineThread::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void DeadlineThread::Schedule(absl::Duration deadline) {
  MutexLock lock(&mutex_);
  if (deadline >= next_) return;
  next_ = deadline;
  changed_.NotifyAll();
}

void DeadlineThread::Loop() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      while (!stopping_) {
        const absl::Duration left = next_ - clock_->Monotonic();
        if (left <= absl::ZeroDuration()) break;
        if (left == absl::InfiniteDuration()) {
          changed_.Wait(&mutex_);
        } else {
          changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(left));
        }
      }
      if (stopping_) return;
      next_ = absl::InfiniteDuration();
    }
    Schedule(step_());
  }
}

}  // namespace buzzer::worker
