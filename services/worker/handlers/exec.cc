// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/exec.h"

#include <signal.h>
#include <string.h>

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "common/log/log.h"
#include "services/worker/handlers/program_environment.h"
#include "services/worker/handlers/progress_lines.h"
#include "services/worker/handlers/supervised_program.h"

namespace buzzer::worker {
namespace {

// EX_TEMPFAIL of sysexits.h.
constexpr int kTemporaryFailure = 75;
// What shells exit with for a command that cannot be executed, or that is not there.
constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;
// Before the next attempt of a program that cannot be started: a deployment is put right by people.
constexpr absl::Duration kNotStartedWait = absl::Minutes(1);

// Has the program hear of its attempt's life, for a scope.
class ObserverScope {
 public:
  ObserverScope(JobContext* context, AttemptObserver* observer) : context_(context) {
    context_->Observe(observer);
  }
  ~ObserverScope() { context_->Observe(nullptr); }

 private:
  JobContext* const context_;
};

Failure NotStarted(ProgramEnd end) {
  return {kProgramNotStarted, std::move(end.why), true, std::move(end.error_tail), kNotStartedWait};
}

HandlerResult ToResult(const std::string& content_type, absl::Duration retry_after,
                       ProgramEnd end) {
  const std::string limit = absl::StrCat(kMaxResultBytes);
  switch (end.kind) {
    case ProgramEnd::Kind::kNotStarted:
      return NotStarted(std::move(end));
    case ProgramEnd::Kind::kLost:
      if (end.was_terminated) break;
      return Failure{"PROGRAM_KILLED", std::move(end.why), true, std::move(end.error_tail),
                     retry_after};
    case ProgramEnd::Kind::kExited:
    case ProgramEnd::Kind::kSignalled:
      break;
  }
  if (end.output_too_large) {
    return Failure{"RESULT_TOO_LARGE",
                   absl::StrCat("the program wrote more than the ", limit,
                                " bytes that a result may have; it was ended"),
                   false, std::move(end.error_tail)};
  }
  // Whatever it says after it was asked to end, it may not have done its work.
  if (end.was_terminated) return Stopped{std::move(end.error_tail)};
  if (end.kind == ProgramEnd::Kind::kSignalled) {
    return Failure{
        "PROGRAM_KILLED",
        absl::StrCat("the program was killed by signal ", end.code, " (", strsignal(end.code), ")"),
        true, std::move(end.error_tail), retry_after};
  }
  if (end.code == 0) return Success{content_type, std::move(end.output)};
  end.why = absl::StrCat("the program exited with code ", end.code);
  if (end.code == kCannotExecute || end.code == kNotFound) {
    absl::StrAppend(&end.why, ": a command in it ",
                    end.code == kNotFound ? "is not there" : "cannot be executed");
    return NotStarted(std::move(end));
  }
  return Failure{"PROGRAM_FAILED", std::move(end.why), end.code == kTemporaryFailure,
                 std::move(end.error_tail), retry_after};
}

}  // namespace

ExecHandler::ExecHandler(ProgramConfig program, std::string supervisor)
    : program_(std::move(program)), supervisor_(std::move(supervisor)) {}

HandlerResult ExecHandler::Run(JobContext& context) {
  const Job& job = context.job();
  ProgramSpec spec;
  spec.supervisor = supervisor_;
  spec.argv = program_.argv;
  spec.environment = MakeProgramEnvironment(program_.environment, job);
  spec.working_directory = program_.working_directory;
  spec.lease = job.lease;
  spec.grace = job.grace;
  spec.max_output = kMaxResultBytes;
  auto program = SupervisedProgram::Start(spec);
  if (!program.ok()) {
    // Of this machine at this moment (no memory, no file descriptors): another may do at once.
    return Tell(job,
                Failure{kProgramNotStarted, std::string(program.status().message()), true, ""});
  }
  ProgressLines progress(&context);
  const ObserverScope scope(&context, program->get());
  ProgramEnd end =
      (*program)->Communicate(job.payload, [&](absl::string_view line) { progress.OnLine(line); });
  progress.End(end.long_lines);
  if (end.supervisor_woken > 0) {
    log::Warning("supervisor_stood_still", {{"job", job.id.ToString()},
                                            {"attempt", job.attempt},
                                            {"tenant", job.tenant},
                                            {"type", job.type},
                                            {"times", end.supervisor_woken}});
  }
  return Tell(job, ToResult(program_.content_type, progress.retry_after(), std::move(end)));
}

HandlerResult ExecHandler::Tell(const Job& job, HandlerResult result) {
  const auto* failure = std::get_if<Failure>(&result);
  if (failure == nullptr || failure->reason != kProgramNotStarted) return result;
  if (const int64_t times = not_started_.Note(failure->message); times > 0) {
    log::Error("program_not_started", {{"type", job.type},
                                       {"program", program_.argv[0]},
                                       {"job", job.id.ToString()},
                                       {"attempt", job.attempt},
                                       {"tenant", job.tenant},
                                       {"times", times},
                                       {"error", failure->message}});
  }
  return result;
}

}  // namespace buzzer::worker
