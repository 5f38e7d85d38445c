// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_SUPERVISED_PROGRAM_H_
#define SERVICES_WORKER_HANDLERS_SUPERVISED_PROGRAM_H_

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/worker/handler.h"
#include "services/worker/handlers/file_descriptor.h"
#include "services/worker/handlers/supervisor_watch.h"
#include "services/worker/supervisor/protocol.h"

namespace buzzer::worker {

// What to run, and how.
struct ProgramSpec {
  // Path of the buzzer-supervisor program.
  std::string supervisor;
  // The first is an absolute path.
  std::vector<std::string> argv;
  // NAME=VALUE; the program's whole environment.
  std::vector<std::string> environment;
  // Empty: the worker's own.
  std::string working_directory;
  // How long the worker may be silent before the supervisor ends the tree.
  absl::Duration lease;
  absl::Duration grace;
  // Bytes of standard output; with more the tree is ended.
  size_t max_output = 0;
  // Others in tests.
  SupervisorWatch::Limits supervisor_limits;
};

// How it ended.
struct ProgramEnd {
  enum class Kind {
    kExited,
    kSignalled,
    kNotStarted,
    // Its supervisor was killed, talked nonsense or stood still, or ended it because the worker
    // had been silent.
    kLost,
  };
  Kind kind = Kind::kLost;
  // Exit code, or signal.
  int code = 0;
  // Of kNotStarted and kLost.
  std::string why;
  // We asked for its end before it had ended by itself.
  bool was_terminated = false;
  // How often its supervisor stood still and had to be woken.
  int supervisor_woken = 0;
  bool output_too_large = false;
  // At most max_output bytes.
  std::string output;
  // The last of standard error: some KiB.
  std::string error_tail;
  // Lines on file descriptor 3 that were too long to be read.
  int64_t long_lines = 0;
};

// A program under its supervisor, from the start to the end of its whole process tree.
// One thread starts it, calls Communicate and destroys it. The observer's methods are
// thread-safe.
//
// SIGPIPE must be ignored (BlockServiceSignals does that).
class SupervisedProgram final : public AttemptObserver {
 public:
  // RESOURCE_EXHAUSTED or so if this machine cannot start a process now. A program that
  // cannot be executed is told by Communicate.
  static absl::StatusOr<std::unique_ptr<SupervisedProgram>> Start(const ProgramSpec& spec);

  // Ends the tree if Communicate has not returned, and waits for that.
  ~SupervisedProgram() override;

  // Gives the program its input, gathers its output, and calls `on_line` with each line
  // that it writes to file descriptor 3 (up to 64 KiB). Returns when nothing of the
  // program's tree runs any more, also where the supervisor does not see to that: it is woken if
  // it stands still, and killed with the tree if that does not help. Call once.
  ProgramEnd Communicate(absl::string_view input,
                         const std::function<void(absl::string_view)>& on_line);

  // Has the supervisor end the tree.
  void OnCancel() override;
  // Tells the supervisor that the worker lives.
  void OnHeartbeat() override;

 private:
  // Our ends of the program's four pipes, and of the control socket; and what wakes Communicate.
  struct Ends {
    FileDescriptor input;
    FileDescriptor output;
    FileDescriptor error;
    FileDescriptor progress;
    FileDescriptor control;
    FileDescriptor cancel;
  };

  SupervisedProgram(pid_t supervisor, Ends ends, const ProgramSpec& spec);
  void Say(char message);
  // Takes what the supervisor has said. Whether it will say no more.
  bool Hear(SupervisorWatch& watch, std::optional<SupervisorReport>& report);
  // Sees to a supervisor that stands still. Whether there is no hope for it.
  bool Tend(SupervisorWatch& watch, absl::Duration waited);

  const size_t max_output_;
  const absl::Duration grace_;
  const SupervisorWatch::Limits supervisor_limits_;
  const pid_t supervisor_;
  Ends ends_;
  std::atomic<bool> ending_{false};
  bool awaited_ = false;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_SUPERVISED_PROGRAM_H_
