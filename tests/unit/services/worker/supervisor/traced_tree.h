// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_WORKER_SUPERVISOR_TRACED_TREE_H_
#define TESTS_UNIT_SERVICES_WORKER_SUPERVISOR_TRACED_TREE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace buzzer::testing {

// Tells a test of the processes that a program starts, and of their ends. A shell in the
// tree says that it is there, and is ready, with `echo $$ >> "$TREE"`. Not thread-safe.
class TracedTree {
 public:
  TracedTree() : path_(directory_.path() + "/tree") {
    if (mkfifo(path_.c_str(), 0600) != 0) std::abort();
    // For writing too, so that it never ends.
    fifo_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~TracedTree() {
    close(fifo_);
    for (const int fd : pidfds_) close(fd);
  }

  // For the program's environment.
  std::string variable() const { return "TREE=" + path_; }
  const std::string& directory() const { return directory_.path(); }

  // Waits until `count` processes have said that they are there.
  void AwaitProcesses(size_t count) {
    std::string text;
    while (pidfds_.size() < count) {
      ASSERT_TRUE(AwaitReadable(fifo_)) << "only " << pidfds_.size() << " processes came";
      char byte = 0;
      ASSERT_EQ(read(fifo_, &byte, 1), 1);
      if (byte != '\n') {
        text.push_back(byte);
        continue;
      }
      pids_.push_back(std::stoi(text));
      pidfds_.push_back(static_cast<int>(syscall(SYS_pidfd_open, pids_.back(), 0)));
      ASSERT_GE(pidfds_.back(), 0) << text << " is gone already";
      text.clear();
    }
  }

  const std::vector<pid_t>& pids() const { return pids_; }

  // Whether each of them has ended.
  bool HasEnded() const { return CountEnded(0) == pidfds_.size(); }
  // Waits until each of them has.
  bool AwaitEnd() const { return CountEnded(kLimitMs) == pidfds_.size(); }

 private:
  // Only a failing test should ever meet it.
  static constexpr int kLimitMs = 60'000;

  static bool AwaitReadable(int fd, int limit_ms = kLimitMs) {
    pollfd polled = {fd, POLLIN, 0};
    return poll(&polled, 1, limit_ms) == 1;
  }

  size_t CountEnded(int limit_ms) const {
    size_t ended = 0;
    for (const int fd : pidfds_) ended += AwaitReadable(fd, limit_ms) ? 1 : 0;
    return ended;
  }

  TemporaryDirectory directory_;
  std::string path_;
  int fifo_ = -1;
  std::vector<pid_t> pids_;
  std::vector<int> pidfds_;
};

}  // namespace buzzer::testing

#endif  // TESTS_UNIT_SERVICES_WORKER_SUPERVISOR_TRACED_TREE_H_
