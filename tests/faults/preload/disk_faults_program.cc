// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// disk_faults_program DIRECTORY FAULT_FILE: writes files, fsyncs some of them, and kills
// itself. Exits 1 if a call does not end as it should; see disk_faults_test.cc.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void Check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::exit(1);
}

int Write(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  Check(fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
        path.c_str());
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string directory = std::string(argv[1]) + "/";
  const std::string fault = argv[2];

  const int appended = Write(directory + "appended", "synced");
  Check(fsync(appended) == 0 && write(appended, " and lost", 9) == 9, "append");

  const int truncated = Write(directory + "truncated", "whole");
  Check(fdatasync(truncated) == 0 && ftruncate(truncated, 1) == 0, "truncate");

  const int shortened = Write(directory + "shortened", "whole");
  Check(fsync(shortened) == 0 && ftruncate(shortened, 1) == 0 && fsync(shortened) == 0, "shorten");

  Write(directory + "never_synced", "lost");
  Write(directory + "before", "OVERWRITTEN");

  Check(fsync(Write(directory + "removed", "gone")) == 0, "remove");
  Check(unlink((directory + "removed").c_str()) == 0, "remove");

  Check(fsync(Write(directory + "old_name", "moved")) == 0, "rename");
  Check(rename((directory + "old_name").c_str(), (directory + "new_name").c_str()) == 0, "rename");

  const int failed = Write(directory + "failed", "first");
  Check(fsync(failed) == 0 && write(failed, " second", 7) == 7, "fail");
  Write(fault, "EIO");
  Check(fsync(failed) == -1 && errno == EIO, "fsync did not fail");
  Check(fdatasync(failed) == -1 && errno == EIO, "fdatasync did not fail");
  Check(truncate(fault.c_str(), 0) == 0 && fsync(Write(directory + "healed", "kept")) == 0, "heal");

  kill(getpid(), SIGKILL);
  return 1;
}
