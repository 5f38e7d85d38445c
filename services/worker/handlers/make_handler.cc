// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/make_handler.h"

#include "services/worker/handlers/echo.h"
#include "services/worker/handlers/exec.h"
#include "services/worker/handlers/fail.h"
#include "services/worker/handlers/sleep.h"

namespace buzzer::worker {

std::unique_ptr<Handler> MakeHandler(const HandlerConfig& config, const std::string& supervisor) {
  switch (config.kind) {
    case HandlerConfig::Kind::kEcho:
      return std::make_unique<EchoHandler>();
    case HandlerConfig::Kind::kSleep:
      return std::make_unique<SleepHandler>();
    case HandlerConfig::Kind::kFail:
      return std::make_unique<FailHandler>();
    case HandlerConfig::Kind::kExec:
      return std::make_unique<ExecHandler>(config.program, supervisor);
  }
  return nullptr;
}

}  // namespace buzzer::worker
