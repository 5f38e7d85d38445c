// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/sqlite/disk_waker.h"

#include <fcntl.h>
#include <unistd.h>

namespace buzzer::state {
namespace {

constexpr char kPage[4096] = {};

// Only what memory does not hold is read from the disk. What the disk does not hold yet is
// written first, in the background.
void DropFromMemory(int fd) { posix_fadvise(fd, 0, sizeof(kPage), POSIX_FADV_DONTNEED); }

}  // namespace

DiskWaker::DiskWaker(const std::string& directory)
    : fd_(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
  if (fd_ >= 0 && pwrite(fd_, kPage, sizeof(kPage), 0) == sizeof(kPage)) DropFromMemory(fd_);
}

DiskWaker::~DiskWaker() {
  if (fd_ >= 0) close(fd_);
}

void DiskWaker::WakeIfRested(absl::Duration now) {
  const int64_t now_ns = absl::ToInt64Nanoseconds(now);
  const int64_t rested_ns = now_ns - used_at_ns_.exchange(now_ns, std::memory_order_relaxed);
  if (fd_ < 0 || rested_ns < absl::ToInt64Nanoseconds(kRest)) return;
  DropFromMemory(fd_);
  posix_fadvise(fd_, 0, sizeof(kPage), POSIX_FADV_WILLNEED);
}

}  // namespace buzzer::state
