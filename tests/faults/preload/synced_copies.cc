// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/preload/synced_copies.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace buzzer::faults {
namespace {

namespace fs = std::filesystem;

// Only functions that disk_faults.cc does not replace are used here: renameat for rename,
// unlinkat for unlink.

// A test that drops what it should not would accuse the innocent: better no test.
[[noreturn]] void Fail(const char* what, const std::string& path) {
  std::fprintf(stderr, "synced copies: %s: %s\n", what, path.c_str());
  std::abort();
}

// Makes the file at `path` the same as the open one, in place.
void CopyContent(int from, const std::string& path) {
  const int to = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (to < 0) Fail("cannot open", path);
  // The descriptor of the service may be for writing only.
  const std::string self = "/proc/self/fd/" + std::to_string(from);
  const int source = open(self.c_str(), O_RDONLY | O_CLOEXEC);
  if (source < 0) Fail("cannot read", path);
  std::vector<char> piece(1 << 20);
  off_t end = 0;
  while (true) {
    const ssize_t got = pread(source, piece.data(), piece.size(), end);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) Fail("cannot read", path);
    if (got == 0) break;
    for (ssize_t put = 0; put < got;) {
      const ssize_t done = pwrite(to, piece.data() + put, got - put, end + put);
      if (done < 0 && errno != EINTR) Fail("cannot write", path);
      put += std::max<ssize_t>(done, 0);
    }
    end += got;
  }
  if (ftruncate(to, end) != 0) Fail("cannot truncate", path);
  close(source);
  close(to);
}

}  // namespace

SyncedCopies::SyncedCopies(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  directory_ = fs::canonical(directory, error).string();
  if (error) Fail("no such directory", directory);
  copies_ = directory_ + ".synced";
  if (fs::exists(copies_)) return;
  // Under another name until it is whole, for a kill meanwhile.
  const std::string unfinished = copies_ + ".new";
  fs::remove_all(unfinished, error);
  fs::copy(directory_, unfinished, fs::copy_options::recursive, error);
  if (error) Fail("cannot copy", directory_);
  if (renameat(AT_FDCWD, unfinished.c_str(), AT_FDCWD, copies_.c_str()) != 0) {
    Fail("cannot make", copies_);
  }
}

std::string SyncedCopies::CopyOf(const std::string& path) const {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const fs::path inside = absolute.lexically_relative(directory_);
  if (inside.empty() || *inside.begin() == ".." || *inside.begin() == ".") return "";
  return (fs::path(copies_) / inside).string();
}

void SyncedCopies::Keep(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink == 0) return;
  std::array<char, 4096> name;
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(self.c_str(), name.data(), name.size());
  if (length <= 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string copy = CopyOf(std::string(name.data(), length));
  if (copy.empty()) return;
  std::error_code error;
  fs::create_directories(fs::path(copy).parent_path(), error);
  CopyContent(fd, copy);
}

void SyncedCopies::Remove(const char* path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string copy = CopyOf(path);
  if (!copy.empty()) unlinkat(AT_FDCWD, copy.c_str(), 0);
}

void SyncedCopies::Move(const char* from, const char* to) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string source = CopyOf(from);
  const std::string target = CopyOf(to);
  // What was never synced, or comes from elsewhere, has no copy to move.
  if (!target.empty()) unlinkat(AT_FDCWD, target.c_str(), 0);
  if (source.empty()) return;
  if (target.empty()) {
    unlinkat(AT_FDCWD, source.c_str(), 0);
  } else {
    renameat(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str());
  }
}

}  // namespace buzzer::faults
