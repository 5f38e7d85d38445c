// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_WATCHDOG_H_
#define COMMON_AMQP_WATCHDOG_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex/mutex.h"

namespace buzzer::amqp {

// Shuts a socket down when the thread that uses it has been inside one call of the
// client library for too long: rabbitmq-c 0.11 sends without a deadline, so a peer
// that stops reading would hold its thread for ever. Runs a thread of its own that
// sleeps but for a look every quarter of the limit.
//
// Guard, Release and Busy belong to the watched thread; Hurry is thread-safe.
class Watchdog {
 public:
  explicit Watchdog(absl::Duration limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Marks the watched thread as inside a call that may block.
  class Busy {
   public:
    explicit Busy(Watchdog* watchdog);
    ~Busy();
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    Watchdog* const watchdog_;
  };

  // From now on `socket` is the one to shut down, until Release, which must come
  // before it is closed: its number may be used again.
  void Guard(int socket);
  void Release();

  // The owner wants to end: from now on a call may take half a second only.
  void Hurry();

 private:
  void Run();

  const absl::Duration limit_;
  // Monotonic nanoseconds; 0 while not inside a call.
  std::atomic<int64_t> busy_since_{0};

  Mutex mutex_;
  CondVar changed_;
  int socket_ ABSL_GUARDED_BY(mutex_) = -1;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_WATCHDOG_H_
