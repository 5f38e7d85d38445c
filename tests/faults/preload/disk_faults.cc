// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Loaded into a service with LD_PRELOAD: a disk that fails.
//
//   BUZZER_FSYNC_FAULT_FILE=FILE    While FILE exists and is not empty, fsync and
//                                   fdatasync fail with EIO.
//   BUZZER_DISK_BYTES_PER_SECOND=N  A slow disk: fsync and fdatasync take as long as what
//                                   the process wrote at offsets (pwrite64, as SQLite
//                                   does) takes at this rate.
//   BUZZER_DROP_UNSYNCED=1          A kill is a power cut: what was not fsynced in
//   BUZZER_DROP_DIRECTORY=DIR       DIR is dropped when `cut_power DIR` is run after it.

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/faults/preload/synced_copies.h"

namespace buzzer::faults {
namespace {

const char* Setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool FsyncFails() {
  const char* path = Setting("BUZZER_FSYNC_FAULT_FILE");
  struct stat file;
  return *path != '\0' && stat(path, &file) == 0 && file.st_size > 0;
}

// Written since the last sync.
std::atomic<long> unsynced_bytes = 0;

void AwaitSlowDisk() {
  static const double rate = std::strtod(Setting("BUZZER_DISK_BYTES_PER_SECOND"), nullptr);
  if (rate <= 0) return;
  const auto bytes = static_cast<double>(unsynced_bytes.exchange(0));
  std::this_thread::sleep_for(std::chrono::duration<double>(bytes / rate));
}

// nullptr unless a kill is to be a power cut. Never destroyed: threads sync to the end.
SyncedCopies* Copies() {
  static SyncedCopies* const copies = []() -> SyncedCopies* {
    const char* directory = Setting("BUZZER_DROP_DIRECTORY");
    if (std::strcmp(Setting("BUZZER_DROP_UNSYNCED"), "1") != 0 || *directory == '\0') {
      return nullptr;
    }
    return new SyncedCopies(directory);
  }();
  return copies;
}

// Before the program writes anything.
__attribute__((constructor)) void TakeFirstCopies() { Copies(); }

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int Sync(const char* name, int fd) {
  if (FsyncFails()) {
    errno = EIO;
    return -1;
  }
  AwaitSlowDisk();
  const int result = Real<int(int)>(name)(fd);
  if (result == 0 && Copies() != nullptr) Copies()->Keep(fd);
  return result;
}

}  // namespace
}  // namespace buzzer::faults

using buzzer::faults::Copies;
using buzzer::faults::Real;

extern "C" {

int fsync(int fd) { return buzzer::faults::Sync("fsync", fd); }

int fdatasync(int fd) { return buzzer::faults::Sync("fdatasync", fd); }

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static auto* const real =
      buzzer::faults::Real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  const ssize_t result = real(fd, bytes, size, at);
  if (result > 0) buzzer::faults::unsynced_bytes += result;
  return result;
}

int unlink(const char* path) noexcept {
  const int result = Real<int(const char*)>("unlink")(path);
  if (result == 0 && Copies() != nullptr) Copies()->Remove(path);
  return result;
}

int rename(const char* from, const char* to) noexcept {
  const int result = Real<int(const char*, const char*)>("rename")(from, to);
  if (result == 0 && Copies() != nullptr) Copies()->Move(from, to);
  return result;
}

}  // extern "C"
