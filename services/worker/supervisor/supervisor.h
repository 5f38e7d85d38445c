// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_SUPERVISOR_SUPERVISOR_H_
#define SERVICES_WORKER_SUPERVISOR_SUPERVISOR_H_

#include <string>
#include <vector>

namespace buzzer::worker {

struct SupervisorOptions {
  // The first is a path.
  std::vector<std::string> argv;
  // Empty: stay where we are.
  std::string working_directory;
  // How long the worker may be silent.
  long lease_ms = 30'000;
  // Between SIGTERM and SIGKILL.
  long grace_ms = 10'000;
};

// Runs the program with this process's file descriptors 0 to 3 and its environment, and
// returns when nothing that it has started runs any more; the worker at kControlFd has
// been told how the program ended. The tree is ended (SIGTERM to every process of it,
// SIGKILL after the grace, until none is left)
//   - when the worker asks for it, has gone, or has been silent for a lease,
//   - and, what is left of it, when the program itself has ended.
//
// Signals do not end it, but for those that nobody can block: a service manager that sends SIGTERM
// to every process of a service means the worker, which then lets the program go on or not.
//
// This process must have no other children and one thread. It becomes a child subreaper:
// processes that detach themselves stay in its tree.
void Supervise(const SupervisorOptions& options);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_SUPERVISOR_SUPERVISOR_H_
