// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_WAKEFUL_THREADS_H_
#define COMMON_GRPC_WAKEFUL_THREADS_H_

#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <thread>

#include "absl/synchronization/notification.h"

namespace buzzer {

// Keeps one of the process's gRPC callback threads at its post while this lives.
//
// gRPC 1.51 lets a callback thread that saw no event for a second sleep 100 ms, whatever
// comes meanwhile. While all of them sleep, a submit, a claim or a cancel waits. Something
// for them to do more often than that costs about two wake-ups a second, and whichever
// thread takes it stays. Thread-safe.
class WakefulThreads {
 public:
  WakefulThreads();
  ~WakefulThreads();

  WakefulThreads(const WakefulThreads&) = delete;
  WakefulThreads& operator=(const WakefulThreads&) = delete;

 private:
  grpc::GenericStub nowhere_;
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace buzzer

#endif  // COMMON_GRPC_WAKEFUL_THREADS_H_
