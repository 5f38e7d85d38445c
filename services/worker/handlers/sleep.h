// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_SLEEP_H_
#define SERVICES_WORKER_HANDLERS_SLEEP_H_

#include "services/worker/handler.h"

namespace buzzer::worker {

// `demo.sleep`: takes its time, in steps, and stops at once when it is cancelled.
// Payload: {"seconds": 45, "steps": 9}; 0 to 86400 seconds (decimals allowed, 1 unless
// given), 1 to 10000 steps (1 unless given). Each step reports progress ("3 of 9").
// Result: {"seconds": 45, "steps": 9}. Thread-safe.
class SleepHandler final : public Handler {
 public:
  HandlerResult Run(JobContext& context) override;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_SLEEP_H_
