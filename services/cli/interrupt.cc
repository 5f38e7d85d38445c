// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <thread>
#include <utility>

#include "absl/time/clock.h"

namespace buzzer::cli {
namespace {

sigset_t InterruptingSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&set, signal);
  return set;
}

}  // namespace

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
  const sigset_t signals = InterruptingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // `buzzer watch ID | head` ends like any filter.
  std::signal(SIGPIPE, SIG_DFL);
  std::thread([interrupt, signals] {
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    // This thread alone hears the next signal, whose default action ends the process.
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    interrupt->Raise();
    while (true) pause();
  }).detach();
}

}  // namespace buzzer::cli
