// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "common/shutdown/shutdown.h"

namespace buzzer::cli {

void Interrupt::Raise() {
  MutexLock lock(&mutex_);
  if (std::exchange(raised_, true)) return;
  if (action_) action_();
  changed_.NotifyAll();
}

bool Interrupt::raised() const {
  MutexLock lock(&mutex_);
  return raised_;
}

bool Interrupt::WaitFor(absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  MutexLock lock(&mutex_);
  for (absl::Duration left = duration; !raised_ && left > absl::ZeroDuration();
       left = end - absl::Now()) {
    changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(left));
  }
  return raised_;
}

void Interrupt::SetAction(std::function<void()> action) {
  MutexLock lock(&mutex_);
  action_ = std::move(action);
  if (raised_ && action_) action_();
}

void RaiseAtSignal(Interrupt* interrupt) {
  BlockShutdownSignals();
  // `buzzer watch ID | head` ends like any filter.
  std::signal(SIGPIPE, SIG_DFL);
  std::thread([interrupt] {
    WaitForShutdownSignal();
    interrupt->Raise();
    // This thread alone hears the next signal, whose default action ends the process.
    while (true) pause();
  }).detach();
}

}  // namespace buzzer::cli
