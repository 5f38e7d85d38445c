// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_SHUTDOWN_SERVICE_SIGNALS_H_
#define COMMON_SHUTDOWN_SERVICE_SIGNALS_H_

#include <functional>
#include <thread>

namespace buzzer {

// Makes SIGTERM, SIGINT and SIGHUP things to wait for (see ServiceSignals), and ignores SIGPIPE,
// SIGUSR1 and SIGUSR2. Call first in main, before any thread starts: threads inherit the blocked
// signals.
void BlockServiceSignals();

// What a service is told by signals, after BlockServiceSignals. The first SIGTERM or SIGINT asks
// it to end in peace, every further one to end now; none ends the process by itself, so whoever
// sends too many loses nothing. SIGHUP asks it to read its configuration again. Signals of one
// number that come at the very same moment may count as one.
//
// One in a process. The methods belong to one thread, which need not be the main one.
class ServiceSignals {
 public:
  ServiceSignals();
  // Returns when nothing that Listen was given is called any more. Signals stay blocked.
  ~ServiceSignals();

  ServiceSignals(const ServiceSignals&) = delete;
  ServiceSignals& operator=(const ServiceSignals&) = delete;

  // Waits for SIGTERM or SIGINT and returns its number. Each SIGHUP that comes before calls
  // `on_hangup`, on this thread.
  int AwaitEnd(const std::function<void()>& on_hangup);

  // Calls these for what comes from now on, on a thread of its own, one at a time: `on_end` with
  // the number of each SIGTERM and SIGINT, `on_hangup` for each SIGHUP. Call once.
  void Listen(std::function<void(int signal)> on_end, std::function<void()> on_hangup);

 private:
  // The next signal's number; 0 once the destructor has asked for the end.
  int Next() const;

  const int signals_;  // a signalfd
  const int stop_;     // an eventfd
  std::thread thread_;
};

}  // namespace buzzer

#endif  // COMMON_SHUTDOWN_SERVICE_SIGNALS_H_
