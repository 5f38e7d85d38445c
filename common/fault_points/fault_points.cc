// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/fault_points/fault_points.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace buzzer::fault_points {
namespace {

// More than any name; the mapping is read up to here only.
constexpr size_t kFileSize = 4096;

// The mapped file, or nullptr if none is named. A file that cannot be mapped would make
// every test of a crash pass without one, so that ends the process.
char* MapCrashFile() {
  const char* path = std::getenv("BUZZER_CRASH_FILE");
  if (path == nullptr || *path == '\0') return nullptr;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat file;
  void* memory = MAP_FAILED;
  // Never made shorter: other processes have it mapped already.
  if (fd >= 0 && fstat(fd, &file) == 0 &&
      (file.st_size >= static_cast<off_t>(kFileSize) || ftruncate(fd, kFileSize) == 0)) {
    memory = mmap(nullptr, kFileSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    std::perror("BUZZER_CRASH_FILE cannot be mapped");
    std::abort();
  }
  close(fd);
  return static_cast<char*>(memory);
}

}  // namespace

void ReachCrashPoint(const char* name) {
  static char* const armed = MapCrashFile();
  if (armed == nullptr || std::strncmp(armed, name, kFileSize) != 0) return;
  // Of all that come here at once, in any process, the first dies.
  if (std::atomic_ref<char>(armed[0]).exchange('\0') == '\0') return;
  kill(getpid(), SIGKILL);
  while (true) pause();
}

bool IsPlanted(const char* name) {
  static const std::string planted = [] {
    const char* chosen = std::getenv("BUZZER_PLANTED");
    return std::string(chosen == nullptr ? "" : chosen);
  }();
  return !planted.empty() && planted == name;
}

}  // namespace buzzer::fault_points
