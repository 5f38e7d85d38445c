// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_SQLITE_DISK_WAKER_H_
#define SERVICES_STATE_SQLITE_DISK_WAKER_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/time/time.h"

namespace buzzer::state {

// Wakes a disk that has rested: the first request after a rest takes a disk, or the machine
// that stands behind a virtual one, longer than the next. Who knows that an fsync will be
// due lets a read of one page go ahead, so that the disk wakes while the transaction is
// still being made. Where the file system cannot do it, nothing happens. Thread-safe.
class DiskWaker {
 public:
  // After so long without a use a disk may have gone to rest.
  static constexpr absl::Duration kRest = absl::Milliseconds(20);

  // Keeps one page in a file without a name in `directory`.
  explicit DiskWaker(const std::string& directory);
  ~DiskWaker();
  DiskWaker(const DiskWaker&) = delete;
  DiskWaker& operator=(const DiskWaker&) = delete;

  // The disk will soon be used. Starts a read unless it was used less than kRest ago, and
  // does not wait for it. `now` is of a monotonic clock.
  void WakeIfRested(absl::Duration now);

 private:
  const int fd_;  // -1 if there is no such file.
  std::atomic<int64_t> used_at_ns_ = std::numeric_limits<int64_t>::min() / 2;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_SQLITE_DISK_WAKER_H_
