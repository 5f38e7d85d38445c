// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_SUPERVISOR_PROCESS_TREE_H_
#define SERVICES_WORKER_SUPERVISOR_PROCESS_TREE_H_

#include <sys/types.h>

#include <optional>
#include <tuple>
#include <vector>

namespace buzzer::worker {

// A process, told from a later one with the same number by when it started.
struct Process {
  pid_t pid = 0;
  // In clock ticks since boot.
  unsigned long long start_time = 0;

  friend bool operator<(const Process& a, const Process& b) {
    return std::tie(a.pid, a.start_time) < std::tie(b.pid, b.start_time);
  }
};

// Every living descendant of `root` as /proc shows it now, whatever its process group
// and session; zombies are left out. Of a subreaper these are all that it ever caused,
// since orphans come to it.
std::vector<Process> Descendants(pid_t root);

// Every child of `parent`, zombies too; nullopt if /proc cannot be read now.
std::optional<std::vector<Process>> Children(pid_t parent);

// Whether it is a zombie, or gone.
bool IsDead(const Process& process);

// Sends a signal to exactly this process. Nothing happens if it is gone.
void SendSignal(const Process& process, int signal);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_SUPERVISOR_PROCESS_TREE_H_
