// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_LOG_GATHERER_H_
#define COMMON_LOG_GATHERER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "common/mutex/mutex.h"

namespace buzzer::log {

// Writes whole lines to a file descriptor, and those that come soon after a write together. A
// line that comes alone is written at once; one within `wait` of the last write waits for the
// end of that time, at most. Lines keep their order.
//
// Thread-safe. Has a thread of its own. When kMostBytes wait, whoever adds a line writes, or
// waits for who does.
class Gatherer {
 public:
  static constexpr size_t kMostBytes = size_t{64} << 10;

  // `fd` is not owned.
  Gatherer(int fd, std::chrono::nanoseconds wait);
  ~Gatherer();

  Gatherer(const Gatherer&) = delete;
  Gatherer& operator=(const Gatherer&) = delete;

  // With `at_once`, it and all before it are written when this returns.
  void Add(absl::string_view line, bool at_once);

  // All that was added is written when this returns.
  void Flush();

  // Flushes; what is added from then on is written at once. Not beside itself.
  void Stop();

 private:
  void Loop();
  void FlushLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool writing() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return begun_ != left_; }

  // Both are without the lock meanwhile.
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Or, where another thread writes, waits until it has.
  void WriteOrWait() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int fd_;
  const std::chrono::nanoseconds wait_;
  // What is being written; of who made `begun_` differ from `left_`.
  std::string leaving_;
  Mutex mutex_;
  CondVar added_;
  CondVar written_;
  std::string gathered_ ABSL_GUARDED_BY(mutex_);
  // Batches that have begun to leave, one at a time, and that have left.
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t left_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Until then, lines gather.
  std::chrono::steady_clock::time_point gather_until_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Writes whole lines, with as few calls as leave them whole beside another writer of the same
// pipe: lines together up to PIPE_BUF (4 KiB), a longer one alone. Blocks while there is no room,
// whatever the descriptor is set to. What cannot be written is lost: a log has nowhere to
// complain.
void WriteLines(int fd, absl::string_view lines);

}  // namespace buzzer::log

#endif  // COMMON_LOG_GATHERER_H_
