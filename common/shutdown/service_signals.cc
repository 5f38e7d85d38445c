// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/shutdown/service_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <utility>

namespace buzzer {
namespace {

sigset_t AwaitedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

int OpenSignals() {
  const sigset_t set = AwaitedSignals();
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

void BlockServiceSignals() {
  for (const int signal : {SIGPIPE, SIGUSR1, SIGUSR2}) std::signal(signal, SIG_IGN);
  const sigset_t set = AwaitedSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

ServiceSignals::ServiceSignals()
    : signals_(OpenSignals()), stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ServiceSignals::~ServiceSignals() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
  close(stop_);
  close(signals_);
}

int ServiceSignals::AwaitEnd(const std::function<void()>& on_hangup) {
  while (true) {
    const int signal = Next();
    if (signal != SIGHUP) return signal;
    on_hangup();
  }
}

void ServiceSignals::Listen(std::function<void(int signal)> on_end,
                            std::function<void()> on_hangup) {
  thread_ = std::thread([this, on_end = std::move(on_end), on_hangup = std::move(on_hangup)] {
    for (int signal = Next(); signal != 0; signal = Next()) {
      if (signal == SIGHUP) {
        on_hangup();
      } else {
        on_end(signal);
      }
    }
  });
}

int ServiceSignals::Next() const {
  while (true) {
    pollfd events[] = {{stop_, POLLIN, 0}, {signals_, POLLIN, 0}};
    if (poll(events, 2, -1) < 0) continue;
    if (events[0].revents != 0) return 0;
    signalfd_siginfo info;
    if (read(signals_, &info, sizeof(info)) == sizeof(info)) {
      return static_cast<int>(info.ssi_signo);
    }
  }
}

}  // namespace buzzer
