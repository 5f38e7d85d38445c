// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_SUPERVISOR_CONTROL_H_
#define SERVICES_WORKER_SUPERVISOR_CONTROL_H_

namespace buzzer::worker {

// What the worker and the buzzer-supervisor of one program say to each other, on a
// socket pair that is the supervisor's file descriptor 4. Its arguments are
//   LEASE_MILLIS GRACE_MILLIS WORKING_DIRECTORY PROGRAM ARGUMENT...
// (an empty working directory: the worker's own), its file descriptors 0 to 3 those of the
// program.

inline constexpr int kControlFd = 4;

// To the supervisor, a byte each. The end of the stream means that the worker is dead.
inline constexpr char kHeartbeat = 'H';
inline constexpr char kTerminate = 'T';

// From the supervisor, once, when nothing of the tree is left: a letter, a space and a
// number.
inline constexpr char kExited = 'X';      // the program's exit code
inline constexpr char kSignalled = 'S';   // the signal that killed it
inline constexpr char kNotStarted = 'N';  // the errno of what failed

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_SUPERVISOR_CONTROL_H_
