// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_LOG_GATHERER_H_
#define COMMON_LOG_GATHERER_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "common/mutex/mutex.h"

namespace buzzer::log {

// Writes lines to a file descriptor, and those that come soon after a write together. A line
// that comes alone is written at once; one within `wait` of the last write waits for the end of
// that time, at most. Lines keep their order, and one write(2) has whole lines only.
//
// Thread-safe. Has a thread of its own. Holds at most kMostBytes, then whoever adds a line
// writes, or waits for who does.
class Gatherer {
 public:
  static constexpr size_t kMostBytes = size_t{64} << 10;

  // `fd` is not owned.
  Gatherer(int fd, std::chrono::nanoseconds wait);
  // Writes what has gathered.
  ~Gatherer();

  Gatherer(const Gatherer&) = delete;
  Gatherer& operator=(const Gatherer&) = delete;

  // With `at_once`, it and all before it are written when this returns.
  void Add(absl::string_view line, bool at_once);

  // For a signal handler of a process that crashes: writes what has gathered, whatever the
  // threads are doing with it.
  void WriteWhileCrashing() const ABSL_NO_THREAD_SAFETY_ANALYSIS;

 private:
  void Loop();

  // Without the lock while it writes.
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int fd_;
  const std::chrono::nanoseconds wait_;
  Mutex mutex_;
  CondVar added_;
  CondVar written_;
  std::string gathered_ ABSL_GUARDED_BY(mutex_);
  // What is being written. The writer's alone meanwhile.
  std::string leaving_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Until then, lines gather.
  std::chrono::steady_clock::time_point gather_until_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Writes all of it, whatever the number of calls that takes. What cannot be written is lost: a
// log has nowhere to complain.
void WriteWhole(int fd, absl::string_view text);

}  // namespace buzzer::log

#endif  // COMMON_LOG_GATHERER_H_
