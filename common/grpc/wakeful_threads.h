// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_WAKEFUL_THREADS_H_
#define COMMON_GRPC_WAKEFUL_THREADS_H_

#include <grpcpp/generic/generic_stub.h>

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/clock/step_watch.h"
#include "common/mutex/mutex.h"

namespace buzzer {

// Keeps the process's gRPC threads at their posts while this lives, for about two wake-ups a
// second, and has their locks not be searched for cycles. To be made before the process's first
// channel or server, by its only thread.
//
// - gRPC 1.51 lets a callback thread that saw no event for a second sleep 100 ms, whatever
//   comes meanwhile. While all of them sleep, a submit, a claim or a cancel waits. Something
//   for them to do more often than that keeps one awake: whichever thread takes it stays.
// - Its timer threads wait for a time of the wall clock. When that is set back, they sleep on
//   for as long, and no backoff, keepalive or deadline ends meanwhile. Here due timers run in
//   any case, at most 0.4 s late; and as the backoff of a channel is on a timer that cannot be
//   got at, failing channels are told to try again every 2 s, for as long as the step was.
class WakefulThreads {
 public:
  WakefulThreads();
  ~WakefulThreads();

  WakefulThreads(const WakefulThreads&) = delete;
  WakefulThreads& operator=(const WakefulThreads&) = delete;

 private:
  void Loop();

  // Whether timers may be stuck because the wall clock was set back.
  bool MayBeStuck();

  grpc::GenericStub nowhere_;
  // On the thread.
  StepWatch steps_;
  absl::Duration stuck_until_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace buzzer

#endif  // COMMON_GRPC_WAKEFUL_THREADS_H_
