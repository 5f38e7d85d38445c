// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/supervisor/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

namespace buzzer::worker {
namespace {

struct Stat {
  char state = 0;
  pid_t parent = 0;
  unsigned long long start_time = 0;

  bool is_dead() const { return state == 'Z' || state == 'X'; }
};

// Reads /proc/PID/stat.
std::optional<Stat> ReadStat(pid_t pid) {
  char path[32];
  snprintf(path, sizeof(path), "/proc/%d/stat", static_cast<int>(pid));
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char text[1024];
  const ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (size <= 0) return std::nullopt;
  text[size] = '\0';
  // The name may hold spaces and brackets; what follows the last one does not.
  const char* rest = strrchr(text, ')');
  Stat stat;
  int parent = 0;
  // Fields 3 (state), 4 (parent) and 22 (start time) of proc(5).
  if (rest == nullptr ||
      // NOLINTNEXTLINE(bugprone-unchecked-string-to-number-conversion): the kernel made these.
      sscanf(rest + 1,
             " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
             &stat.state, &parent, &stat.start_time) != 3) {
    return std::nullopt;
  }
  stat.parent = parent;
  return stat;
}

int OpenPidFd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

struct Child {
  Process process;
  bool zombie = false;
};

// Every process of this machine, by its parent; nullopt if /proc cannot be read.
std::optional<std::multimap<pid_t, Child>> ReadProcesses() {
  std::multimap<pid_t, Child> children;
  DIR* const proc = opendir("/proc");
  if (proc == nullptr) return std::nullopt;
  while (const dirent* entry = readdir(proc)) {
    char* end = nullptr;
    const long pid = strtol(entry->d_name, &end, 10);
    if (pid <= 0 || *end != '\0') continue;
    const auto stat = ReadStat(static_cast<pid_t>(pid));
    if (!stat.has_value()) continue;
    children.insert({stat->parent, {{static_cast<pid_t>(pid), stat->start_time}, stat->is_dead()}});
  }
  closedir(proc);
  return children;
}

}  // namespace

std::optional<std::vector<Process>> Children(pid_t parent) {
  const auto processes = ReadProcesses();
  if (!processes.has_value()) return std::nullopt;
  std::vector<Process> found;
  const auto [begin, end] = processes->equal_range(parent);
  for (auto it = begin; it != end; ++it) found.push_back(it->second.process);
  return found;
}

std::vector<Process> Descendants(pid_t root) {
  std::multimap<pid_t, Child> children = ReadProcesses().value_or(std::multimap<pid_t, Child>());
  std::vector<Process> found;
  std::vector<pid_t> parents = {root};
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    const auto [begin, end] = children.equal_range(parent);
    for (auto it = begin; it != end; ++it) {
      if (!it->second.zombie) found.push_back(it->second.process);
      parents.push_back(it->second.process.pid);
    }
    // Processes that come and go while /proc is read may look like a circle.
    children.erase(begin, end);
  }
  return found;
}

bool IsDead(const Process& process) {
  const auto stat = ReadStat(process.pid);
  return !stat.has_value() || stat->start_time != process.start_time || stat->is_dead();
}

void SendSignal(const Process& process, int signal) {
  const int fd = OpenPidFd(process.pid);
  if (fd < 0 && errno != ENOSYS && errno != EPERM) return;
  // The number may have passed on to another process before it was held fast.
  const auto stat = ReadStat(process.pid);
  if (stat.has_value() && stat->start_time == process.start_time) {
    if (fd >= 0) {
      syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0);
    } else {
      kill(process.pid, signal);
    }
  }
  if (fd >= 0) close(fd);
}

}  // namespace buzzer::worker
