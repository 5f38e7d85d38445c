// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_SUPERVISOR_WATCH_H_
#define SERVICES_WORKER_HANDLERS_SUPERVISOR_WATCH_H_

#include "absl/time/time.h"

namespace buzzer::worker {

// Decides what to do about a supervisor that may stand still (stopped by a signal, held by a
// debugger, stuck in the kernel): it is asked again and again whether it is there; one that does
// not answer is woken, then killed, then given up. Pure: the caller carries it out, and looks again
// after next_look(). Not thread-safe.
class SupervisorWatch {
 public:
  enum class Action { kNone, kAsk, kWake, kKill, kGiveUp };

  // Times without an answer. On a machine that is short of everything an answer takes a while.
  struct Limits {
    absl::Duration ask_interval = absl::Seconds(5);
    absl::Duration look_interval = absl::Seconds(1);
    absl::Duration wake_after = absl::Seconds(10);
    absl::Duration kill_after = absl::Seconds(20);
    // The same once the program shall end: within what a worker that drains waits after the grace.
    absl::Duration wake_ending_after = absl::Seconds(1);
    absl::Duration kill_ending_after = absl::Seconds(4);
    // From the kill to giving up.
    absl::Duration dies_within = absl::Seconds(5);
  };

  explicit SupervisorWatch(const Limits& limits) : limits_(limits) {}

  // `waited`: since the last look. `ending`: the program was asked to end, so that somebody
  // waits for it. Not more of it than next_look() counts: a time in which this process stood
  // still itself tells nothing of the supervisor.
  Action Look(absl::Duration waited, bool ending);

  // It has answered.
  void OnAnswer();

  // How long to wait for something to happen before the next look.
  absl::Duration next_look() const;

  int times_woken() const { return times_woken_; }

 private:
  const Limits limits_;
  bool asked_ = false;
  bool woken_ = false;
  bool killed_ = false;
  bool ending_ = false;
  // Since it was asked, or killed.
  absl::Duration silent_;
  int times_woken_ = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_SUPERVISOR_WATCH_H_
