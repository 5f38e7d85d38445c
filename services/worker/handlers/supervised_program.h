// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_SUPERVISED_PROGRAM_H_
#define SERVICES_WORKER_HANDLERS_SUPERVISED_PROGRAM_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// A program to run, and how.
struct ProgramSpec {
  // Path of buzzer-supervisor.
  std::string supervisor;
  // The first is an absolute path.
  std::vector<std::string> argv;
  // All of it: NAME=VALUE.
  std::vector<std::string> environment;
  // Empty: the worker's own.
  std::string working_directory;
  // The supervisor ends the tree when it hears nothing for so long.
  absl::Duration lease;
  // From TERM to KILL.
  absl::Duration grace;
  // Bytes of standard output; a program that writes more is ended.
  size_t max_output = 0;
};

// How a program ended. Nothing of its tree runs any more.
struct ProgramEnd {
  enum class Kind {
    kExited,      // `code` is the exit code
    kSignalled,   // `code` is the signal
    kNotStarted,  // `why`
    kLost,        // its supervisor was killed, and the program with it; `why`
  };
  Kind kind = Kind::kLost;
  int code = 0;
  std::string why;
  std::string output;
  bool output_too_large = false;
  // The last 4 KiB of standard error, valid UTF-8.
  std::string error_tail;
  // It was asked to end before it did.
  bool was_terminated = false;
  // Lines on file descriptor 3 beyond 64 KiB, which were dropped.
  int64_t long_lines = 0;
};

// One run of a program under its supervisor. OnCancel and OnHeartbeat may be called on any
// thread while Communicate runs on its own.
class SupervisedProgram final : public AttemptObserver {
 public:
  // UNAVAILABLE if this machine has no room for it now.
  static absl::StatusOr<std::unique_ptr<SupervisedProgram>> Start(const ProgramSpec& spec);
  // Ends the tree if Communicate was not called.
  ~SupervisedProgram() override;

  // Writes `input` to the program, gathers what it writes, hands each line on file
  // descriptor 3 to `on_line` (on this thread), and returns when all of it has ended.
  ProgramEnd Communicate(absl::string_view input,
                         const std::function<void(absl::string_view)>& on_line);

  void OnCancel() override;
  void OnHeartbeat() override;

 private:
  struct Pipes;
  SupervisedProgram(pid_t supervisor, std::unique_ptr<Pipes> pipes, size_t max_output);
  void Say(char what);

  const pid_t supervisor_;
  const std::unique_ptr<Pipes> pipes_;
  const size_t max_output_;
  std::atomic<bool> terminated_ = false;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_SUPERVISED_PROGRAM_H_
