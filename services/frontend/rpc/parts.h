// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_PARTS_H_
#define SERVICES_FRONTEND_RPC_PARTS_H_

#include "common/clock/clock.h"
#include "services/frontend/config.h"
#include "services/frontend/drain_list.h"
#include "services/frontend/frontend_metrics.h"
#include "services/frontend/state_client.h"
#include "services/frontend/submit_line.h"
#include "services/frontend/timers.h"
#include "services/frontend/watch_line.h"

namespace buzzer::frontend {

// What the methods work with. Not owned; must outlive the gRPC server.
struct Parts {
  StateClient* state = nullptr;
  SubmitLine* submits = nullptr;
  WatchLine* watches = nullptr;
  Timers* timers = nullptr;
  // Calls that a shutdown must end.
  DrainList* drains = nullptr;
  FrontendMetrics* metrics = nullptr;
  const Clock* clock = Clock::Real();
  Timing timing;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_PARTS_H_
