// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/watchdog.h"

#include <sys/socket.h>

#include <algorithm>

#include "common/clock/clock.h"
#include "common/log/log.h"

namespace buzzer::amqp {
namespace {

constexpr absl::Duration kHurriedLimit = absl::Milliseconds(500);

int64_t MonotonicNanos() { return absl::ToInt64Nanoseconds(Clock::Real()->Monotonic()); }

}  // namespace

Watchdog::Watchdog(absl::Duration limit) : limit_(limit), thread_([this] { Run(); }) {}

Watchdog::~Watchdog() {
  {
    MutexLock lock(&mutex_);
    ending_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

Watchdog::Busy::Busy(Watchdog* watchdog) : watchdog_(watchdog) {
  watchdog_->busy_since_.store(MonotonicNanos(), std::memory_order_relaxed);
}

Watchdog::Busy::~Busy() { watchdog_->busy_since_.store(0, std::memory_order_relaxed); }

void Watchdog::Guard(int socket) {
  MutexLock lock(&mutex_);
  socket_ = socket;
}

void Watchdog::Release() {
  MutexLock lock(&mutex_);
  socket_ = -1;
}

void Watchdog::Hurry() {
  MutexLock lock(&mutex_);
  hurry_ = true;
  changed_.NotifyAll();
}

void Watchdog::Run() {
  MutexLock lock(&mutex_);
  while (!ending_) {
    const absl::Duration limit = hurry_ ? std::min(limit_, kHurriedLimit) : limit_;
    changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(limit / 4));
    const int64_t since = busy_since_.load(std::memory_order_relaxed);
    if (since == 0 || socket_ < 0) continue;
    const absl::Duration busy = absl::Nanoseconds(MonotonicNanos() - since);
    if (busy < limit) continue;
    log::Warning("broker_socket_stuck", {{"seconds", absl::ToDoubleSeconds(busy)}});
    // Wakes the call with an error; its own thread closes the socket.
    shutdown(socket_, SHUT_RDWR);
    socket_ = -1;
  }
}

}  // namespace buzzer::amqp
