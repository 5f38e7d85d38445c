// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/echo.h"

namespace buzzer::worker {

HandlerResult EchoHandler::Run(JobContext& context) {
  const Job& job = context.job();
  return Success{job.payload_content_type, job.payload};
}

}  // namespace buzzer::worker
