// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervisor_children.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log/log.h"

namespace buzzer::worker {
namespace {

// Between two looks, ever less often, should something refuse to die.
constexpr absl::Duration kFirstInterval = absl::Milliseconds(5);
constexpr absl::Duration kMaxInterval = absl::Milliseconds(100);
constexpr absl::Duration kLongWait = absl::Seconds(10);
// From SIGKILL to the end of what can die.
constexpr absl::Duration kDiesWithin = absl::Seconds(5);

// Waits until this child has ended, reaped or not; false if it has not within `limit`.
bool AwaitEnd(pid_t child, absl::Duration limit) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (fd < 0) {
    if (errno == ESRCH) return true;
    // Of an old kernel, or out of file descriptors: without the limit.
    siginfo_t info;
    while (waitid(P_PID, child, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
    return true;
  }
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(limit);
  int ready = 0;
  do {
    pollfd polled = {fd, POLLIN, 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    ready = poll(&polled, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX)));
  } while (ready < 0 && errno == EINTR);
  close(fd);
  return ready > 0;
}

// Makes this process the reaper first: who becomes its child from then on is not among them.
std::set<Process> EarlierChildren() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const std::vector<Process> children = Children(getpid()).value_or(std::vector<Process>());
  return {children.begin(), children.end()};
}

}  // namespace

SupervisorChildren& SupervisorChildren::Get() {
  static SupervisorChildren* const children = new SupervisorChildren();
  return *children;
}

SupervisorChildren::SupervisorChildren() : earlier_children_(EarlierChildren()) {}

absl::StatusOr<pid_t> SupervisorChildren::Start(absl::FunctionRef<absl::StatusOr<pid_t>()> spawn) {
  MutexLock lock(&mutex_);
  ReapLeft();
  absl::StatusOr<pid_t> pid = spawn();
  if (pid.ok()) supervisors_.insert(*pid);
  return pid;
}

void SupervisorChildren::Signal(pid_t supervisor, int signal) {
  MutexLock lock(&mutex_);
  // Its number stays taken until it is known no more.
  if (supervisors_.contains(supervisor)) kill(supervisor, signal);
}

void SupervisorChildren::Kill(pid_t supervisor) {
  // Before it dies, or they are not below it any more.
  const std::vector<Process> tree = Descendants(supervisor);
  Signal(supervisor, SIGKILL);
  for (const Process& process : tree) SendSignal(process, SIGKILL);
}

void SupervisorChildren::Await(pid_t supervisor, absl::Duration limit) {
  if (!AwaitEnd(supervisor, limit)) {
    Kill(supervisor);
    AwaitEnd(supervisor, kDiesWithin);
  }
  MutexLock lock(&mutex_);
  left_.insert(supervisor);
  ReapLeft();
}

void SupervisorChildren::ReapLeft() {
  for (auto it = left_.begin(); it != left_.end();) {
    const auto left = it++;
    if (waitpid(*left, nullptr, WNOHANG) == 0) continue;
    supervisors_.erase(*left);
    left_.erase(left);
  }
}

void SupervisorChildren::EndOrphans() {
  absl::Duration interval = kFirstInterval;
  absl::Duration waited;
  bool told = false;
  while (!KillOrphans()) {
    absl::SleepFor(interval);
    waited += interval;
    interval = std::min(2 * interval, kMaxInterval);
    if (waited >= kLongWait && !std::exchange(told, true)) {
      log::Warning("orphans_do_not_end",
                   {{"why", "a supervisor was killed, and what it had started cannot be"}});
    }
  }
}

bool SupervisorChildren::KillOrphans() {
  MutexLock lock(&mutex_);
  const auto children = Children(getpid());
  if (!children.has_value()) return false;
  bool none = true;
  std::set<Process> held;
  for (const Process& child : *children) {
    if (supervisors_.contains(child.pid) || earlier_children_.contains(child)) continue;
    const pid_t reaped = waitpid(child.pid, nullptr, WNOHANG);
    // What was dead already when we looked last has no children that come to us later.
    if (reaped == 0 && IsDead(child)) {
      held.insert(child);
      if (held_.contains(child)) continue;
    }
    none = false;
    if (reaped == child.pid) continue;
    std::vector<Process> tree = Descendants(child.pid);
    tree.push_back(child);
    // Stopped first, so that none forks away while the others are killed.
    for (const Process& process : tree) SendSignal(process, SIGSTOP);
    for (const Process& process : tree) SendSignal(process, SIGKILL);
  }
  held_ = std::move(held);
  return none;
}

}  // namespace buzzer::worker
