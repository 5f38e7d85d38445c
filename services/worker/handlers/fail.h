// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_FAIL_H_
#define SERVICES_WORKER_HANDLERS_FAIL_H_

#include "services/worker/handler.h"

namespace buzzer::worker {

// `demo.fail`: fails while the attempt number is at most `times`, then succeeds.
// Payload: {"times": 2, "retryable": true, "message": "..."}; 1 time and retryable unless
// given. Result: {"attempt": 3}. Thread-safe.
class FailHandler final : public Handler {
 public:
  HandlerResult Run(JobContext& context) override;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_FAIL_H_
