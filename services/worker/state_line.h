// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_STATE_LINE_H_
#define SERVICES_WORKER_STATE_LINE_H_

namespace buzzer::worker {

// What carries a StateSession's messages to the state service and back: a gRPC stream,
// or a fake in tests. It pulls: see StateSession's second half. Thread-safe.
class StateLine {
 public:
  virtual ~StateLine() = default;

  // The session has something to send. Does not block.
  virtual void Wake() = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_STATE_LINE_H_
