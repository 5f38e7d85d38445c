// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// A debugger holds a supervisor or its program, does not let it go on, and waits for nothing of it:
// not even that it is dead.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/worker/handlers/supervised_program.h"
#include "services/worker/supervisor/process_tree.h"
#include "tests/unit/services/worker/supervisor/traced_tree.h"

namespace buzzer::worker {
namespace {

// A process of its own, which must be there before the first supervisor: what comes later is
// taken for an orphan of one.
class Debugger {
 public:
  Debugger() {
    if (pipe(commands_) != 0 || pipe(answers_) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) Obey();
  }
  ~Debugger() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }
  // Whether it may.
  bool Hold(pid_t process) { return Ask(process); }
  void LetGo(pid_t process) { Ask(-process); }

 private:
  bool Ask(pid_t command) {
    bool answer = false;
    return write(commands_[1], &command, sizeof(command)) == sizeof(command) &&
           read(answers_[0], &answer, sizeof(answer)) == sizeof(answer) && answer;
  }

  [[noreturn]] void Obey() {
    pid_t command = 0;
    while (read(commands_[0], &command, sizeof(command)) == sizeof(command)) {
      const bool answer = command > 0 ? ptrace(PTRACE_SEIZE, command, nullptr, nullptr) == 0 &&
                                            ptrace(PTRACE_INTERRUPT, command, nullptr, nullptr) == 0
                                      : AwaitEnd(-command);
      if (write(answers_[1], &answer, sizeof(answer)) != sizeof(answer)) break;
    }
    _exit(0);
  }

  static bool AwaitEnd(pid_t held) {
    int status = 0;
    while (waitpid(held, &status, __WALL) == held) {
      if (WIFEXITED(status) || WIFSIGNALED(status)) return true;
    }
    return false;
  }

  int commands_[2];
  int answers_[2];
  pid_t pid_ = 0;
};

class HeldProgramTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    signal(SIGPIPE, SIG_IGN);
    debugger_ = new Debugger;
  }
  static void TearDownTestSuite() { delete debugger_; }

  std::unique_ptr<SupervisedProgram> Start(const std::string& script) {
    ProgramSpec spec;
    spec.supervisor = BUZZER_SUPERVISOR;
    spec.argv = {"/bin/sh", "-c", script};
    spec.environment = {"PATH=/usr/bin:/bin", tree_.variable()};
    spec.lease = absl::Hours(1);
    spec.grace = absl::ZeroDuration();
    spec.max_output = 1 << 20;
    spec.supervisor_limits.kill_ending_after = absl::Milliseconds(300);
    spec.supervisor_limits.look_interval = absl::Milliseconds(50);
    auto program = SupervisedProgram::Start(spec);
    EXPECT_TRUE(program.ok()) << program.status();
    return *std::move(program);
  }

  std::string OutputOf(const std::string& script) {
    return Start(script)->Communicate("", [](absl::string_view) {}).output;
  }

  // But for the debugger.
  static std::vector<pid_t> OurChildren() {
    std::vector<pid_t> pids;
    for (const Process& child : Children(getpid()).value_or(std::vector<Process>())) {
      if (child.pid != debugger_->pid()) pids.push_back(child.pid);
    }
    return pids;
  }

  static Debugger* debugger_;
  testing::TracedTree tree_;
};

Debugger* HeldProgramTest::debugger_ = nullptr;

TEST_F(HeldProgramTest, EndsThoughItsSupervisorIsHeld) {
  auto program = Start("trap '' TERM; sleep 1000 & echo $$ >> \"$TREE\"; wait");
  tree_.AwaitProcesses(1);
  ASSERT_EQ(OurChildren().size(), 1u);
  const pid_t supervisor = OurChildren()[0];
  if (!debugger_->Hold(supervisor)) GTEST_SKIP() << "this user may not hold a supervisor";
  std::thread canceller([&] { program->OnCancel(); });
  const ProgramEnd end = program->Communicate("", [](absl::string_view) {});
  canceller.join();
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kLost);
  EXPECT_TRUE(end.was_terminated);
  EXPECT_TRUE(tree_.HasEnded());
  // The dead one is in nobody's way, and is reaped once it can be.
  EXPECT_EQ(OutputOf("echo next"), "next\n");
  EXPECT_EQ(OurChildren(), std::vector<pid_t>{supervisor});
  debugger_->LetGo(supervisor);
  EXPECT_EQ(OutputOf("echo last"), "last\n");
  EXPECT_TRUE(OurChildren().empty());
}

TEST_F(HeldProgramTest, EndsThoughItIsHeldItself) {
  auto program = Start("echo $$ >> \"$TREE\"; exec sleep 1000");
  tree_.AwaitProcesses(1);
  const pid_t held = tree_.pids()[0];
  if (!debugger_->Hold(held)) GTEST_SKIP() << "this user may not hold a program";
  std::thread canceller([&] { program->OnCancel(); });
  const ProgramEnd end = program->Communicate("", [](absl::string_view) {});
  canceller.join();
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kSignalled);
  EXPECT_EQ(end.code, SIGKILL);
  EXPECT_TRUE(end.was_terminated);
  EXPECT_TRUE(tree_.HasEnded());
  debugger_->LetGo(held);
  waitpid(held, nullptr, 0);
}

}  // namespace
}  // namespace buzzer::worker
