// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_SUPERVISOR_PROTOCOL_H_
#define SERVICES_WORKER_SUPERVISOR_PROTOCOL_H_

#include <cstddef>

namespace buzzer::worker {

// What a worker and its buzzer-supervisor say to each other over a SOCK_SEQPACKET pair.

// Where the supervisor finds its end, and what the program inherits.
inline constexpr int kProgressFd = 3;
inline constexpr int kControlFd = 4;

// Worker to supervisor, one byte each: the worker lives; end the program's tree; say that you
// do, which is answered with the same byte.
inline constexpr char kFeed = 'f';
inline constexpr char kTerminate = 't';
inline constexpr char kAreYouThere = 'a';

// Supervisor to worker, once, when nothing of the tree runs any more. Both come from one
// build, so the bytes are the struct's.
struct SupervisorReport {
  enum Kind : int {
    // `code` is the exit code.
    kExited,
    // `code` is the signal that killed it.
    kSignalled,
    // `code` is the errno of the step that failed.
    kNotStarted,
  };
  enum Step : int { kNone, kFork, kWorkingDirectory, kExecute, kReadProc };

  // Why the program was asked to end, if that was before it had ended by itself.
  enum Ending : int { kByItself, kOnRequest, kForSilence };

  int kind = kNotStarted;
  int code = 0;
  int failed_step = kNone;
  int ending = kByItself;
};

// One message of a supervisor, checked: `size` bytes came in all, of which at most
// sizeof(SupervisorReport) stand at `data`. What is none of ours is kNonsense.
struct SupervisorMessage {
  enum Kind { kIsThere, kReport, kNonsense };
  Kind kind = kNonsense;
  SupervisorReport report;
};
SupervisorMessage ReadSupervisorMessage(const char* data, size_t size);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_SUPERVISOR_PROTOCOL_H_
