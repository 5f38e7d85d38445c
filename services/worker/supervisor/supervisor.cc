// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/supervisor/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <set>

#include "services/worker/supervisor/process_tree.h"
#include "services/worker/supervisor/protocol.h"

namespace buzzer::worker {
namespace {

// While the tree is being ended, /proc is read this often for processes that are new.
constexpr long kScanIntervalMs = 100;
// Once it is being killed, ever less often, should something refuse to die.
constexpr long kFirstKillIntervalMs = 5;
// Looks in a row that find nothing that lives, though something is still to be waited for: a
// debugger has not let go of what is dead. Some, since /proc is not read at one moment.
constexpr int kEmptyLooks = 10;

long NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// What a child that cannot become the program tells of it.
struct StartFailure {
  int step;
  int error;
};

class Supervisor {
 public:
  explicit Supervisor(const SupervisorOptions& options) : options_(options) {}

  void Run() {
    Prepare();
    if (Start()) {
      while (Reap()) {
        Advance();
        Wait();
      }
    }
    send(kControlFd, &report_, sizeof(report_), MSG_NOSIGNAL);
  }

 private:
  enum class Phase { kRunning, kTerminating, kKilling };

  void Prepare() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    // A second line beside the control socket: wakes us, should we be stopped, when the worker has
    // ended.
    worker_ = getppid();
    prctl(PR_SET_PDEATHSIG, SIGCONT);
    // A service manager signals every process that it finds; what is to end, and when, the worker
    // alone decides. Blocked and never read, the others are left alone; the worker has blocked them
    // for us from our first moment. Ignored, they would be so in the program as well.
    sigset_t blocked;
    sigfillset(&blocked);
    sigprocmask(SIG_SETMASK, &blocked, nullptr);
    sigset_t heard;
    sigemptyset(&heard);
    for (const int signal : {SIGCHLD, SIGCONT}) sigaddset(&heard, signal);
    signal_fd_ = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
    fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
    fcntl(kControlFd, F_SETFL, O_NONBLOCK);
    silent_until_ms_ = NowMs() + options_.lease_ms;
  }

  // False if there is no program to wait for; report_ says why.
  bool Start() {
    // Without it no tree could be found, and so not be ended.
    if (access("/proc/self/stat", R_OK) != 0) return Fail(SupervisorReport::kReadProc, errno);
    int failure_pipe[2];
    if (pipe2(failure_pipe, O_CLOEXEC) != 0) return Fail(SupervisorReport::kFork, errno);
    program_ = fork();
    if (program_ < 0) return Fail(SupervisorReport::kFork, errno);
    if (program_ == 0) BecomeProgram(failure_pipe[1]);
    close(failure_pipe[1]);
    LetGoOfPipes();
    StartFailure failure;
    const ssize_t size = read(failure_pipe[0], &failure, sizeof(failure));
    close(failure_pipe[0]);
    if (size != sizeof(failure)) return true;  // Closed by exec.
    waitpid(program_, nullptr, 0);
    return Fail(failure.step, failure.error);
  }

  bool Fail(int step, int error) {
    report_.kind = SupervisorReport::kNotStarted;
    report_.failed_step = step;
    report_.code = error;
    return false;
  }

  [[noreturn]] void BecomeProgram(int failure_fd) {
    // Should we be killed, the program at least does not outlive us.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A program that signals its group, as shells do at their end, must not hit us.
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    StartFailure failure = {SupervisorReport::kExecute, 0};
    if (!options_.working_directory.empty() && chdir(options_.working_directory.c_str()) != 0) {
      failure.step = SupervisorReport::kWorkingDirectory;
    } else {
      std::vector<char*> argv;
      for (const std::string& argument : options_.argv) {
        argv.push_back(const_cast<char*>(argument.c_str()));
      }
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
    }
    failure.error = errno;
    [[maybe_unused]] const ssize_t size = write(failure_fd, &failure, sizeof(failure));
    _exit(127);
  }

  // The worker shall see the end of the program's output when the tree has closed it.
  void LetGoOfPipes() {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= kProgressFd; ++fd) dup3(null, fd, O_CLOEXEC);
    if (null > kControlFd) close(null);
  }

  // Takes note of what has ended; false if nothing is left. Living descendants have a
  // living ancestor that is our child, so no child means no tree.
  bool Reap() {
    if (empty_looks_ >= kEmptyLooks) {
      if (program_ != 0) NoteEnd(SupervisorReport::kSignalled, SIGKILL);
      return false;
    }
    while (true) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid < 0) return errno != ECHILD;
      if (pid == 0) return true;
      if (pid != program_) continue;
      if (WIFSIGNALED(status)) {
        NoteEnd(SupervisorReport::kSignalled, WTERMSIG(status));
      } else {
        NoteEnd(SupervisorReport::kExited, WEXITSTATUS(status));
      }
      BeginTerminating();
    }
  }

  void NoteEnd(SupervisorReport::Kind kind, int code) {
    report_.kind = kind;
    report_.code = code;
    program_ = 0;
  }

  void Advance() {
    const long now = NowMs();
    ReadControl(now);
    if (phase_ == Phase::kRunning && (asked_to_end_ || now >= silent_until_ms_)) {
      report_.ending = asked_to_end_ ? SupervisorReport::kOnRequest : SupervisorReport::kForSilence;
      BeginTerminating();
    }
    if (phase_ == Phase::kTerminating && now >= kill_at_ms_) phase_ = Phase::kKilling;
    if (phase_ == Phase::kTerminating) TerminateNewOnes();
    if (phase_ == Phase::kKilling) KillAll();
  }

  void BeginTerminating() {
    if (phase_ != Phase::kRunning) return;
    phase_ = Phase::kTerminating;
    kill_at_ms_ = NowMs() + options_.grace_ms;
  }

  void TerminateNewOnes() {
    for (const Process& process : Descendants(getpid())) {
      if (!terminated_.insert(process).second) continue;
      SendSignal(process, SIGTERM);
      // One that is stopped could not hear it.
      SendSignal(process, SIGCONT);
    }
  }

  void KillAll() {
    const std::vector<Process> tree = Descendants(getpid());
    // Stopped first, so that none forks away while the others are killed.
    for (const Process& process : tree) SendSignal(process, SIGSTOP);
    for (const Process& process : tree) SendSignal(process, SIGKILL);
    // What cannot be read is not empty.
    empty_looks_ = tree.empty() && Children(getpid()).has_value() ? empty_looks_ + 1 : 0;
  }

  void ReadControl(long now) {
    while (!worker_has_gone_) {
      char message = 0;
      const ssize_t size = recv(kControlFd, &message, 1, MSG_DONTWAIT);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) {
        worker_has_gone_ = true;
        asked_to_end_ = true;
      } else if (message == kFeed) {
        silent_until_ms_ = now + options_.lease_ms;
      } else if (message == kTerminate) {
        asked_to_end_ = true;
      } else if (message == kAreYouThere) {
        // No room: the worker has answers of ours to read.
        send(kControlFd, &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
      }
    }
  }

  // Until something happens or is due.
  void Wait() {
    long timeout = 0;
    switch (phase_) {
      case Phase::kRunning:
        timeout = silent_until_ms_ - NowMs();
        break;
      case Phase::kTerminating:
        timeout = std::min(kill_at_ms_ - NowMs(), kScanIntervalMs);
        break;
      case Phase::kKilling:
        timeout = kill_interval_ms_;
        kill_interval_ms_ = std::min(2 * kill_interval_ms_, kScanIntervalMs);
        break;
    }
    pollfd fds[] = {{signal_fd_, POLLIN, 0}, {worker_has_gone_ ? -1 : kControlFd, POLLIN, 0}};
    poll(fds, 2, static_cast<int>(std::clamp<long>(timeout, 0, INT_MAX)));
    signalfd_siginfo info;
    while (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
      // SIGCONT is the worker's, should we be stopped; or the one that tells of its end.
      if (info.ssi_signo == SIGCONT && getppid() != worker_) asked_to_end_ = true;
    }
  }

  const SupervisorOptions& options_;
  int signal_fd_ = -1;
  pid_t worker_ = 0;
  // 0: it has ended.
  pid_t program_ = 0;
  SupervisorReport report_;
  Phase phase_ = Phase::kRunning;
  bool asked_to_end_ = false;
  bool worker_has_gone_ = false;
  long silent_until_ms_ = 0;
  long kill_at_ms_ = 0;
  long kill_interval_ms_ = kFirstKillIntervalMs;
  int empty_looks_ = 0;
  std::set<Process> terminated_;
};

}  // namespace

void Supervise(const SupervisorOptions& options) { Supervisor(options).Run(); }

}  // namespace buzzer::worker
