// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_INTERRUPT_H_
#define SERVICES_CLI_INTERRUPT_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex/mutex.h"

namespace buzzer::cli {

// That the user wants to leave, as a condition that a watch can wait for. Thread-safe.
class Interrupt {
 public:
  void Raise();
  bool raised() const;

  // Returns early, with true, once it is raised. `duration` is finite.
  bool WaitFor(absl::Duration duration);

  // Calls `action` when it is raised, at once if it is already. There is one action; null
  // takes it away. It runs under the lock, so it does not run any more after that.
  void SetAction(std::function<void()> action);

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool raised_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> action_ ABSL_GUARDED_BY(mutex_);
};

// From now on the first Ctrl-C (or SIGTERM) raises `interrupt`, and a second one ends the
// process at once. Call it before any thread starts: it blocks the signals. `interrupt`
// must live until the process ends.
void RaiseAtSignal(Interrupt* interrupt);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_INTERRUPT_H_
