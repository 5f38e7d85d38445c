// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervisor_children.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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
  absl::StatusOr<pid_t> pid = spawn();
  if (pid.ok()) supervisors_.insert(*pid);
  return pid;
}

void SupervisorChildren::Await(pid_t supervisor) {
  // Its number stays taken until it is known no more.
  siginfo_t info;
  while (waitid(P_PID, supervisor, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  MutexLock lock(&mutex_);
  waitpid(supervisor, nullptr, WNOHANG);
  supervisors_.erase(supervisor);
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
  for (const Process& child : *children) {
    if (supervisors_.contains(child.pid) || earlier_children_.contains(child)) continue;
    none = false;
    if (waitpid(child.pid, nullptr, WNOHANG) == child.pid) continue;
    std::vector<Process> tree = Descendants(child.pid);
    tree.push_back(child);
    // Stopped first, so that none forks away while the others are killed.
    for (const Process& process : tree) SendSignal(process, SIGSTOP);
    for (const Process& process : tree) SendSignal(process, SIGKILL);
  }
  return none;
}

}  // namespace buzzer::worker
