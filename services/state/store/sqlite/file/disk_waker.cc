// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/disk_waker.h"

#include <fcntl.h>
#include <unistd.h>

namespace buzzer::state {
namespace {

constexpr off_t kPage = 4096;

// What memory holds is not read from the disk. What the disk does not hold yet is written in
// the background, and dropped by a later call.
void DropFromMemory(int fd) { posix_fadvise(fd, 0, kPage, POSIX_FADV_DONTNEED); }

int OpenWithOnePage(const std::string& directory) {
  const int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  // Not of zeros: those a disk may tell without a look.
  const std::string page(kPage, 'p');
  if (pwrite(fd, page.data(), page.size(), 0) != kPage) {
    close(fd);
    return -1;
  }
  DropFromMemory(fd);
  return fd;
}

}  // namespace

DiskWaker::DiskWaker(const std::string& directory) : fd_(OpenWithOnePage(directory)) {}

DiskWaker::~DiskWaker() {
  if (fd_ >= 0) close(fd_);
}

void DiskWaker::WakeIfRested(absl::Duration now) {
  const int64_t now_ns = absl::ToInt64Nanoseconds(now);
  const int64_t since_ns = now_ns - called_at_ns_.exchange(now_ns, std::memory_order_relaxed);
  if (fd_ < 0 || since_ns < absl::ToInt64Nanoseconds(kRest)) return;
  DropFromMemory(fd_);
  posix_fadvise(fd_, 0, kPage, POSIX_FADV_WILLNEED);
}

}  // namespace buzzer::state
