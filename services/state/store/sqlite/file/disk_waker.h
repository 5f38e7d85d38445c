// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_FILE_DISK_WAKER_H_
#define SERVICES_STATE_STORE_SQLITE_FILE_DISK_WAKER_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/time/time.h"

namespace buzzer::state {

// Wakes a disk that has rested: the first request after a rest takes a disk, or the machine
// that stands behind a virtual one, longer than the next. Who knows that an fsync is coming
// starts a read of one page, so that the disk wakes while the transaction is still being
// made. Where the file system cannot do it, nothing happens. Thread-safe.
class DiskWaker {
 public:
  // Without a write for so long a disk counts as rested: tests/bench/README.md has what a
  // rest costs.
  static constexpr absl::Duration kRest = absl::Milliseconds(20);

  // Keeps one page in a file without a name in `directory`.
  explicit DiskWaker(const std::string& directory);
  ~DiskWaker();
  DiskWaker(const DiskWaker&) = delete;
  DiskWaker& operator=(const DiskWaker&) = delete;

  // A write is about to come. Starts a read unless one came less than kRest ago. Does not
  // wait for the read, though it may for room in the disk's queue. `now` is of a monotonic
  // clock.
  void WakeIfRested(absl::Duration now);

 private:
  const int fd_;  // -1 if there is no such file.
  // Of the last call; at first so long ago that any clock is past it, and no difference overflows.
  std::atomic<int64_t> called_at_ns_ = std::numeric_limits<int64_t>::min() / 2;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_FILE_DISK_WAKER_H_
