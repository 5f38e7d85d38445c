// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_MAKE_HANDLER_H_
#define SERVICES_WORKER_HANDLERS_MAKE_HANDLER_H_

#include <memory>
#include <string>

#include "services/worker/config.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// The handler that the file describes. A team's own C++ handler is added here and to the
// kinds of HandlerConfig. `supervisor` is the path of the buzzer-supervisor program.
std::unique_ptr<Handler> MakeHandler(const HandlerConfig& config, const std::string& supervisor);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_MAKE_HANDLER_H_
