// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervised_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "services/worker/supervisor/process_tree.h"
#include "tests/unit/services/worker/supervisor/traced_tree.h"

namespace buzzer::worker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kMaxOutput = 2 << 20;
// Longer than any test lives.
constexpr absl::Duration kForever = absl::Hours(1);

// Three processes besides the program: a child, one that detached itself into a session of
// its own, and the child of a session leader.
constexpr char kTree[] = R"(
  sh -c 'echo $$ >> "$TREE"; sleep 1000' &
  (setsid sh -c 'echo $$ >> "$TREE"; sleep 1000' </dev/null >/dev/null 2>&1 &)
  setsid sh -c 'sh -c "echo \$\$ >> \$TREE; sleep 1000" & wait' &
  echo $$ >> "$TREE"
  wait
)";
constexpr size_t kTreeSize = 4;

// The same, but nobody heeds SIGTERM.
std::string Stubborn(const std::string& script) { return "trap '' TERM\n" + script; }

std::vector<Process> OurChildren() { return Children(getpid()).value_or(std::vector<Process>()); }

class SupervisedProgramTest : public ::testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }

  ProgramSpec Shell(const std::string& script) const {
    ProgramSpec spec;
    spec.supervisor = BUZZER_SUPERVISOR;
    spec.argv = {"/bin/sh", "-c", script};
    spec.environment = {"PATH=/usr/bin:/bin", tree_.variable()};
    spec.lease = kForever;
    spec.grace = kForever;
    spec.max_output = kMaxOutput;
    return spec;
  }

  static std::unique_ptr<SupervisedProgram> Start(const ProgramSpec& spec) {
    auto program = SupervisedProgram::Start(spec);
    EXPECT_TRUE(program.ok()) << program.status();
    return *std::move(program);
  }

  ProgramEnd Run(const ProgramSpec& spec, const std::string& input = "") {
    return Start(spec)->Communicate(input,
                                    [this](absl::string_view line) { lines_.emplace_back(line); });
  }
  ProgramEnd Run(const std::string& script, const std::string& input = "") {
    return Run(Shell(script), input);
  }

  // Runs `meanwhile` on another thread while the program goes on.
  template <typename Meanwhile>
  ProgramEnd RunWhile(const ProgramSpec& spec, Meanwhile meanwhile) {
    auto program = Start(spec);
    std::thread other([&] { meanwhile(*program); });
    ProgramEnd end = program->Communicate("", [](absl::string_view) {});
    other.join();
    return end;
  }

  // A program's supervisor is asked often, woken soon, and killed unless it answers then.
  static SupervisorWatch::Limits Impatient() {
    SupervisorWatch::Limits limits;
    limits.ask_interval = limits.look_interval = absl::Milliseconds(10);
    limits.wake_after = absl::Milliseconds(100);
    return limits;
  }

  static pid_t OnlySupervisor() {
    const std::vector<Process> children = OurChildren();
    EXPECT_EQ(children.size(), 1u);
    return children.empty() ? 0 : children[0].pid;
  }

  // A stand-in for a supervisor; it runs no program.
  std::string Script(const std::string& text) const {
    std::string path = tree_.directory() + "/supervisor";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    chmod(path.c_str(), 0700);
    return path;
  }

  testing::TracedTree tree_;
  std::vector<std::string> lines_;
};

TEST_F(SupervisedProgramTest, GivesThePayloadAndGathersWhatIsWritten) {
  const ProgramEnd end = Run("cat; echo oops >&2; echo one >&3; echo two >&3", "the payload");
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "the payload");
  EXPECT_EQ(end.error_tail, "oops\n");
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
  EXPECT_FALSE(end.was_terminated);
}

TEST_F(SupervisedProgramTest, PassesMoreThanAPipeHoldsBothWays) {
  const std::string payload(1 << 20, 'x');
  EXPECT_EQ(Run("cat", payload).output, payload);
}

TEST_F(SupervisedProgramTest, DoesNotMindAProgramThatNeverReadsItsInput) {
  const ProgramEnd end = Run("echo done", std::string(1 << 20, 'x'));
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "done\n");
}

TEST_F(SupervisedProgramTest, DoesNotMindAProgramThatClosesItsOutputEarly) {
  const ProgramEnd end = Run("echo early; exec 1>&-; cat >/dev/null; exit 3", "rest");
  EXPECT_EQ(end.output, "early\n");
  EXPECT_EQ(end.code, 3);
}

TEST_F(SupervisedProgramTest, TakesALastLineWithoutNewline) {
  Run("printf '{\"fraction\":1}' >&3");
  EXPECT_THAT(lines_, ElementsAre("{\"fraction\":1}"));
}

TEST_F(SupervisedProgramTest, SkipsAndCountsLinesThatAreTooLong) {
  const ProgramEnd end = Run("head -c 100000 /dev/zero | tr '\\0' x >&3; echo >&3; echo short >&3");
  EXPECT_EQ(end.long_lines, 1);
  EXPECT_THAT(lines_, ElementsAre("short"));
}

TEST_F(SupervisedProgramTest, KeepsTheEndOfStandardError) {
  const ProgramEnd end =
      Run("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1");
  EXPECT_THAT(end.error_tail, AllOf(EndsWith("the end\n"), SizeIs(::testing::Ge(4096u))));
  EXPECT_LE(end.error_tail.size(), 16384u);
}

TEST_F(SupervisedProgramTest, TellsTheSignalThatKilledTheProgram) {
  const ProgramEnd end = Run("kill -9 $$");
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kSignalled);
  EXPECT_EQ(end.code, SIGKILL);
  EXPECT_FALSE(end.was_terminated);
}

TEST_F(SupervisedProgramTest, TellsWhyAProgramCannotBeStarted) {
  ProgramSpec spec = Shell("");
  spec.argv = {"/no/such/program"};
  ProgramEnd end = Run(spec);
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kNotStarted);
  EXPECT_THAT(end.why, HasSubstr("cannot execute the program: No such file"));

  spec = Shell("");
  spec.working_directory = "/no/such/directory";
  end = Run(spec);
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kNotStarted);
  EXPECT_THAT(end.why, HasSubstr("cannot enter the working directory: No such file"));
}

TEST_F(SupervisedProgramTest, TellsThatThereIsNoSupervisor) {
  ProgramSpec spec = Shell("");
  spec.supervisor = "/no/such/supervisor";
  EXPECT_FALSE(SupervisedProgram::Start(spec).ok());
}

TEST_F(SupervisedProgramTest, RunsTheProgramInItsWorkingDirectory) {
  ProgramSpec spec = Shell("pwd");
  spec.working_directory = "/usr";
  EXPECT_EQ(Run(spec).output, "/usr\n");
}

TEST_F(SupervisedProgramTest, LeaksNoFileDescriptorAndNoVariable) {
  const int leak = dup(STDERR_FILENO);  // one without CLOEXEC
  setenv("A_SECRET", "secret", 1);
  EXPECT_EQ(Run("ls /proc/self/fd | wc -l").output, "5\n");  // 0 to 3, and ls's own
  EXPECT_THAT(Run("/usr/bin/env").output, Not(HasSubstr("SECRET")));
  close(leak);
}

TEST_F(SupervisedProgramTest, GivesTheProgramTheUsualSignals) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);  // as a worker's main does
  const ProgramEnd end = Run("grep -E 'Sig(Blk|Ign):' /proc/self/status | cut -f2");
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  std::istringstream masks(end.output);
  // Real-time signals are left as they are: the C library keeps some for itself.
  constexpr uint64_t kStandardSignals = 0x7fffffff;
  for (uint64_t mask = 0; masks >> std::hex >> mask;) EXPECT_EQ(mask & kStandardSignals, 0u);
}

TEST_F(SupervisedProgramTest, EndsTheWholeTreeWhenItIsCancelled) {
  const ProgramEnd end = RunWhile(Shell(kTree), [&](SupervisedProgram& program) {
    tree_.AwaitProcesses(kTreeSize);
    program.OnCancel();
  });
  EXPECT_TRUE(end.was_terminated);
  EXPECT_TRUE(tree_.HasEnded());
}

// A service manager ends a service by a signal to each of its processes. What becomes of a job is
// for the worker to say, which got that signal too.
TEST_F(SupervisedProgramTest, LetsTheProgramLiveThroughEverySignalToItsSupervisor) {
  const std::string go = tree_.directory() + "/go";
  ProgramSpec spec = Shell(R"(
    echo $$ >> "$TREE"
    while [ ! -e "$GO" ]; do sleep 0.01; done
    echo done)");
  spec.environment.push_back("GO=" + go);
  const ProgramEnd end = RunWhile(spec, [&](SupervisedProgram&) {
    tree_.AwaitProcesses(1);
    const pid_t supervisor = OnlySupervisor();
    for (const int signal :
         {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGQUIT, SIGALRM, SIGTERM, SIGCONT}) {
      kill(supervisor, signal);
    }
    std::ofstream(go).flush();
  });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "done\n");
  EXPECT_FALSE(end.was_terminated);
}

TEST_F(SupervisedProgramTest, KillsATreeThatIgnoresTermAfterTheGrace) {
  ProgramSpec spec = Shell(Stubborn(kTree));
  spec.grace = absl::Milliseconds(200);
  const ProgramEnd end = RunWhile(spec, [&](SupervisedProgram& program) {
    tree_.AwaitProcesses(kTreeSize);
    program.OnCancel();
  });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kSignalled);
  EXPECT_EQ(end.code, SIGKILL);
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, LetsAProgramEndItselfWithinTheGrace) {
  const ProgramEnd end = RunWhile(
      Shell("trap 'echo tidied; exit 4' TERM; echo $$ >> \"$TREE\"; while :; do sleep 0.05; done"),
      [&](SupervisedProgram& program) {
        tree_.AwaitProcesses(1);
        program.OnCancel();
      });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.code, 4);
  EXPECT_EQ(end.output, "tidied\n");
  EXPECT_TRUE(end.was_terminated);
}

TEST_F(SupervisedProgramTest, EndsATreeThatIsStopped) {
  RunWhile(Shell(kTree), [&](SupervisedProgram& program) {
    tree_.AwaitProcesses(kTreeSize);
    for (const pid_t pid : tree_.pids()) kill(pid, SIGSTOP);
    program.OnCancel();
  });
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, EndsWhatAProgramLeavesBehind) {
  const std::string go = tree_.directory() + "/go";
  ProgramSpec spec = Shell(R"(
    (setsid sh -c 'echo $$ >> "$TREE"; sleep 1000' >/dev/null 2>&1 &)
    while [ ! -e "$GO" ]; do sleep 0.01; done
    echo done)");
  spec.environment.push_back("GO=" + go);
  const ProgramEnd end = RunWhile(spec, [&](SupervisedProgram&) {
    tree_.AwaitProcesses(1);
    std::ofstream(go).flush();
  });
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "done\n");
  EXPECT_FALSE(end.was_terminated);
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, EndsAProgramThatWritesTooMuch) {
  ProgramSpec spec = Shell("echo $$ >> \"$TREE\"; cat /dev/zero");
  const ProgramEnd end = Run(spec);
  EXPECT_TRUE(end.output_too_large);
  EXPECT_THAT(end.output, IsEmpty());
  EXPECT_THAT(Descendants(getpid()), IsEmpty());
}

TEST_F(SupervisedProgramTest, EndsTheTreeWhenTheWorkerIsSilentForALease) {
  ProgramSpec spec = Shell(kTree);
  spec.lease = absl::Seconds(1);
  const ProgramEnd end =
      RunWhile(spec, [&](SupervisedProgram&) { tree_.AwaitProcesses(kTreeSize); });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kLost);
  EXPECT_THAT(end.why, HasSubstr("stood still for a lease"));
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, LetsTheTreeLiveWhileItHearsFromTheWorker) {
  ProgramSpec spec = Shell("echo $$ >> \"$TREE\"; sleep 3; echo done");
  spec.lease = absl::Seconds(2);
  auto program = Start(spec);
  std::thread worker([&] {
    tree_.AwaitProcesses(1);
    // The end of the program is the event that ends the waiting; the limit of each wait
    // is the worker's beat.
    while (!tree_.HasEnded()) {
      program->OnHeartbeat();
      poll(nullptr, 0, 50);
    }
  });
  const ProgramEnd end = program->Communicate("", [](absl::string_view) {});
  worker.join();
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.output, "done\n");
}

TEST_F(SupervisedProgramTest, EndsTheTreeWhenTheWorkerGoes) {
  auto program = Start(Shell(kTree));
  tree_.AwaitProcesses(kTreeSize);
  program.reset();
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, EndsTheTreeWhenTheWorkerIsKilled) {
  const pid_t worker = fork();
  ASSERT_GE(worker, 0);
  if (worker == 0) {
    auto program = SupervisedProgram::Start(Shell(kTree));
    if (!program.ok()) _exit(1);
    (*program)->Communicate("", [](absl::string_view) {});
    _exit(0);
  }
  tree_.AwaitProcesses(kTreeSize);
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  EXPECT_TRUE(tree_.AwaitEnd());
  // Its supervisor has become a child of ours.
  while (waitpid(-1, nullptr, 0) > 0) {
  }
}

TEST_F(SupervisedProgramTest, TellsThatTheSupervisorWasKilled) {
  const ProgramEnd end =
      RunWhile(Shell("echo $$ >> \"$TREE\"; exec sleep 1000"), [&](SupervisedProgram&) {
        tree_.AwaitProcesses(1);
        for (const Process& process : Descendants(getpid())) {
          if (process.pid != tree_.pids()[0]) SendSignal(process, SIGKILL);
        }
      });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kLost);
  EXPECT_THAT(end.why, HasSubstr("killed together with its supervisor"));
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, EndsWhatComesToItOnlyWhenALargeProgramHasDied) {
  // Giving its memory back takes the program a while, in which its child is not ours yet.
  ProgramSpec spec = Shell(R"(
    setsid sh -c 'echo $$ >> "$TREE"; exec sleep 1000' >/dev/null 2>&1 &
    memory=$(head -c 16000000 /dev/zero | tr '\0' x)
    echo $$ >> "$TREE"
    wait)");
  for (int round = 0; round < 20; ++round) {
    testing::TracedTree tree;
    spec.environment.back() = tree.variable();
    RunWhile(spec, [&](SupervisedProgram&) {
      tree.AwaitProcesses(2);
      for (const Process& child : OurChildren()) SendSignal(child, SIGKILL);
    });
    ASSERT_TRUE(tree.HasEnded()) << "round " << round;
  }
}

TEST_F(SupervisedProgramTest, EndsTheWholeTreeWhenTheSupervisorIsKilledAndNoOther) {
  testing::TracedTree other_tree;
  ProgramSpec other_spec = Shell(kTree);
  other_spec.environment.back() = other_tree.variable();
  auto other = Start(other_spec);
  other_tree.AwaitProcesses(kTreeSize);
  const std::vector<Process> before = OurChildren();
  ASSERT_EQ(before.size(), 1u);

  const ProgramEnd end = RunWhile(Shell(Stubborn(kTree)), [&](SupervisedProgram&) {
    tree_.AwaitProcesses(kTreeSize);
    for (const Process& child : OurChildren()) {
      if (child.pid != before[0].pid) SendSignal(child, SIGKILL);
    }
  });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kLost);
  EXPECT_TRUE(tree_.HasEnded());
  EXPECT_FALSE(other_tree.HasEnded());
  EXPECT_EQ(OurChildren().size(), 1u) << "nothing is left, not even a zombie";
}

TEST_F(SupervisedProgramTest, WakesASupervisorThatIsStoppedAndHearsHowTheProgramEnded) {
  const std::string go = tree_.directory() + "/go";
  ProgramSpec spec = Shell(R"(
    echo $$ >> "$TREE"
    while [ ! -e "$GO" ]; do sleep 0.01; done
    echo done)");
  spec.environment.push_back("GO=" + go);
  spec.supervisor_limits = Impatient();
  const ProgramEnd end = RunWhile(spec, [&](SupervisedProgram&) {
    tree_.AwaitProcesses(1);
    kill(OnlySupervisor(), SIGSTOP);
    std::ofstream(go).flush();
  });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.output, "done\n");
  EXPECT_GE(end.supervisor_woken, 1);
}

TEST_F(SupervisedProgramTest, HearsTheReportOfASupervisorThatLeavesSomethingUnread) {
  // Heartbeats may come until the very end.
  const std::string go = tree_.directory() + "/go";
  ProgramSpec spec = Shell("");
  spec.supervisor = Script(
      "echo $$ >> \"$TREE\"; while [ ! -e \"$GO\" ]; do sleep 0.01; done\n"
      "printf '\\0\\0\\0\\0\\003\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&4");
  spec.environment.push_back("GO=" + go);
  const ProgramEnd end = RunWhile(spec, [&](SupervisedProgram& program) {
    tree_.AwaitProcesses(1);
    for (int i = 0; i < 3; ++i) program.OnHeartbeat();
    std::ofstream(go).flush();
  });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.code, 3);
}

TEST_F(SupervisedProgramTest, WakesASupervisorThatItsProgramStops) {
  ProgramSpec spec = Shell("kill -STOP $PPID; echo done");
  spec.supervisor_limits = Impatient();
  EXPECT_EQ(Run(spec).output, "done\n");
}

TEST_F(SupervisedProgramTest, EndsATreeThatIsStoppedTogetherWithItsSupervisor) {
  const ProgramEnd end = RunWhile(Shell(kTree), [&](SupervisedProgram& program) {
    tree_.AwaitProcesses(kTreeSize);
    kill(OnlySupervisor(), SIGSTOP);
    for (const pid_t pid : tree_.pids()) kill(pid, SIGSTOP);
    program.OnCancel();
  });
  EXPECT_TRUE(end.was_terminated);
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, EndsTheTreeOfASupervisorThatIsKilledWhileItIsStopped) {
  const ProgramEnd end = RunWhile(Shell(Stubborn(kTree)), [&](SupervisedProgram&) {
    tree_.AwaitProcesses(kTreeSize);
    const pid_t supervisor = OnlySupervisor();
    kill(supervisor, SIGSTOP);
    kill(supervisor, SIGKILL);
  });
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kLost);
  EXPECT_TRUE(tree_.HasEnded());
}

TEST_F(SupervisedProgramTest, EndsTheTreeWhenTheWorkerIsKilledWhileItsSupervisorIsStopped) {
  const pid_t worker = fork();
  ASSERT_GE(worker, 0);
  if (worker == 0) {
    auto program = SupervisedProgram::Start(Shell(kTree));
    if (!program.ok()) _exit(1);
    (*program)->Communicate("", [](absl::string_view) {});
    _exit(0);
  }
  tree_.AwaitProcesses(kTreeSize);
  const auto supervisors = Children(worker);
  ASSERT_TRUE(supervisors.has_value());
  ASSERT_THAT(*supervisors, SizeIs(1));
  SendSignal((*supervisors)[0], SIGSTOP);
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  EXPECT_TRUE(tree_.AwaitEnd());
  while (waitpid(-1, nullptr, 0) > 0) {
  }
}

TEST_F(SupervisedProgramTest, TakesNonsenseForALostProgramAndEndsWhoTalksIt) {
  for (const char* text : {"printf garbage >&4", "printf x >&4",
                           // A report with a kind that there is none of.
                           "printf '\\377\\377\\377\\377\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&4",
                           "head -c 60000 /dev/zero >&4"}) {
    ProgramSpec spec = Shell("");
    spec.supervisor = Script(std::string(text) + "; exec sleep 1000");
    const ProgramEnd end = Run(spec);
    EXPECT_EQ(end.kind, ProgramEnd::Kind::kLost) << text;
    EXPECT_THAT(OurChildren(), IsEmpty()) << text;
  }
}

TEST_F(SupervisedProgramTest, DoesNotWaitForASupervisorThatStaysAfterItsReport) {
  ProgramSpec spec = Shell("");
  spec.supervisor = Script(
      "printf '\\0\\0\\0\\0\\003\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&4; kill -STOP $$; exec sleep "
      "1000");
  const ProgramEnd end = Run(spec);
  EXPECT_EQ(end.kind, ProgramEnd::Kind::kExited);
  EXPECT_EQ(end.code, 3);
  EXPECT_THAT(OurChildren(), IsEmpty());
}

}  // namespace
}  // namespace buzzer::worker
