// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-supervisor: runs one program for one attempt of a job and sees to it that nothing
// of its process tree is left when it ends, is cancelled, or when the worker dies, is
// killed, or stands still for a lease. See control.h for how the worker talks to it. Kept
// small, single-threaded and free of libraries: it must not fail, and there is one for
// every running program.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "services/worker/supervisor/control.h"
#include "services/worker/supervisor/process_tree.h"

namespace buzzer::worker {
namespace {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;

// How often a tree that shall end is looked at.
constexpr Millis kEndingTick(20);

struct Arguments {
  Millis lease;
  Millis grace;
  const char* working_directory;
  char** program;
};

void Report(char kind, int number) {
  char text[32];
  const int size = std::snprintf(text, sizeof(text), "%c %d\n", kind, number);
  // If the worker is gone, there is nobody to tell.
  (void)!send(kControlFd, text, static_cast<size_t>(size), MSG_NOSIGNAL);
}

// In the child: becomes the program, or tells errno through `failure_fd`.
[[noreturn]] void BecomeProgram(const Arguments& arguments, pid_t supervisor, int failure_fd) {
  // A second line for when the supervisor itself is killed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
    std::signal(signal_number, SIG_DFL);
  }
  // A Ctrl-C at the worker's terminal is for the worker.
  setsid();
  if (arguments.working_directory[0] == '\0' || chdir(arguments.working_directory) == 0) {
    execv(arguments.program[0], arguments.program);
  }
  const int error = errno;
  (void)!write(failure_fd, &error, sizeof(error));
  _exit(127);
}

// Starts the program; its pid, or the negative errno.
pid_t StartProgram(const Arguments& arguments) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) return -errno;
  const pid_t supervisor = getpid();
  const pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) BecomeProgram(arguments, supervisor, failure[1]);
  close(failure[1]);
  int error = 0;
  const bool failed = read(failure[0], &error, sizeof(error)) == sizeof(error);
  close(failure[0]);
  if (!failed) return child;
  waitpid(child, nullptr, 0);
  return -error;
}

// The program's pipes are its own from now on: while we held them open, the worker would
// not see their end.
void LetGoOfPipes() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2, 3}) dup2(null, fd);
  close(null);
}

class Supervisor {
 public:
  Supervisor(const Arguments& arguments, pid_t program)
      : arguments_(arguments), program_(program), fed_at_(Clock::now()) {}

  // Until nothing of the tree is left.
  void Run(int child_signals) {
    pollfd sources[] = {{kControlFd, POLLIN, 0}, {child_signals, POLLIN, 0}};
    while (!Reap()) {
      if (ending_) {
        EndTree();
      } else if (program_ended_ || Clock::now() - fed_at_ > arguments_.lease) {
        Begin();
        continue;
      }
      const Millis wait = ending_ ? kEndingTick : NextCheck();
      const int ready = poll(sources, 2, static_cast<int>(wait.count()));
      if (ready <= 0) continue;
      if (sources[0].revents != 0) ReadControl(&sources[0]);
      if (sources[1].revents != 0) {
        signalfd_siginfo info;
        (void)!read(child_signals, &info, sizeof(info));
      }
    }
  }

  void Tell() const {
    if (WIFSIGNALED(status_)) {
      Report(kSignalled, WTERMSIG(status_));
    } else {
      Report(kExited, WEXITSTATUS(status_));
    }
  }

 private:
  // Collects the dead; whether no child is left.
  bool Reap() {
    while (true) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid == 0) return false;
      if (pid < 0) return errno == ECHILD;
      if (pid == program_) {
        status_ = status;
        program_ended_ = true;
      }
    }
  }

  Millis NextCheck() const {
    const auto left = std::chrono::duration_cast<Millis>(fed_at_ + arguments_.lease - Clock::now());
    return std::max(left + Millis(1), Millis(1));
  }

  void ReadControl(pollfd* control) {
    char bytes[64];
    const ssize_t got = read(kControlFd, bytes, sizeof(bytes));
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
      control->fd = -1;  // The worker is dead.
      Begin();
      return;
    }
    fed_at_ = Clock::now();
    for (ssize_t i = 0; i < got; ++i) {
      if (bytes[i] == kTerminate) Begin();
    }
  }

  void Begin() {
    if (ending_) return;
    ending_ = true;
    kill_at_ = Clock::now() + arguments_.grace;
  }

  // TERM for each process once, KILL for all after the grace; again and again, since the
  // tree may grow meanwhile.
  void EndTree() {
    const bool kill_now = Clock::now() >= kill_at_;
    for (const pid_t pid : Descendants()) {
      if (kill_now) {
        kill(pid, SIGKILL);
      } else if (asked_.insert(pid).second) {
        kill(pid, SIGTERM);
        kill(pid, SIGCONT);  // A stopped one would not hear it.
      }
    }
  }

  const Arguments& arguments_;
  const pid_t program_;
  int status_ = 0;
  bool program_ended_ = false;
  Clock::time_point fed_at_;
  bool ending_ = false;
  Clock::time_point kill_at_;
  std::set<pid_t> asked_;
};

int Main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "buzzer-supervisor: is started by buzzer-worker, not by hand\n");
    return 2;
  }
  const Arguments arguments{Millis(std::atoll(argv[1])), Millis(std::atoll(argv[2])), argv[3],
                            argv + 4};
  fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
    std::signal(signal_number, SIG_IGN);
  }
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  const int child_signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  if (child_signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    Report(kNotStarted, errno);
    return 1;
  }
  const pid_t program = StartProgram(arguments);
  if (program < 0) {
    Report(kNotStarted, -program);
    return 1;
  }
  LetGoOfPipes();
  Supervisor supervisor(arguments, program);
  supervisor.Run(child_signals);
  supervisor.Tell();
  return 0;
}

}  // namespace
}  // namespace buzzer::worker

int main(int argc, char** argv) { return buzzer::worker::Main(argc, argv); }
