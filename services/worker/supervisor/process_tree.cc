// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/supervisor/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

namespace buzzer::worker {
namespace {

struct Process {
  pid_t parent = 0;
  char state = 0;
};

// Reads /proc/PID/stat; false if the process is gone.
bool Read(pid_t pid, Process* process) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  char line[512];
  const bool read = std::fgets(line, sizeof(line), file) != nullptr;
  std::fclose(file);
  if (!read) return false;
  // The name in parentheses may hold anything, parentheses too: count from the last.
  const char* rest = std::strrchr(line, ')');
  return rest != nullptr && std::sscanf(rest + 1, " %c %d", &process->state, &process->parent) == 2;
}

}  // namespace

std::vector<pid_t> Descendants() {
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  std::unordered_map<pid_t, char> states;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return {};
  while (const dirent* entry = readdir(proc)) {
    const pid_t pid = std::atoi(entry->d_name);
    Process process;
    if (pid <= 0 || !Read(pid, &process)) continue;
    children[process.parent].push_back(pid);
    states[pid] = process.state;
  }
  closedir(proc);

  std::vector<pid_t> found;
  std::vector<pid_t> to_visit = {getpid()};
  while (!to_visit.empty()) {
    const pid_t parent = to_visit.back();
    to_visit.pop_back();
    for (const pid_t child : children[parent]) {
      if (states[child] != 'Z' && states[child] != 'X') found.push_back(child);
      to_visit.push_back(child);
    }
  }
  return found;
}

}  // namespace buzzer::worker
