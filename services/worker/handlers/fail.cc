// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/fail.h"

#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "services/worker/handlers/json_payload.h"

namespace buzzer::worker {

HandlerResult FailHandler::Run(JobContext& context) {
  const int32_t attempt = context.job().attempt;
  JsonPayload payload(context.job().payload, {"message", "retryable", "times"});
  const int64_t times = payload.Integer("times", 0, std::numeric_limits<int32_t>::max(), 1);
  const bool retryable = payload.Bool("retryable", true);
  const std::string message =
      payload.Text("message", absl::StrCat("attempt ", attempt, " fails as it was told to"));
  if (!payload.status().ok()) return BadPayload(payload.status());

  if (attempt <= times) return Failure{"DEMO_FAILED", message, retryable, ""};
  return Success{"application/json", nlohmann::json{{"attempt", attempt}}.dump()};
}

}  // namespace buzzer::worker
