// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/sleep.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/worker/handlers/json_payload.h"

namespace buzzer::worker {
namespace {

constexpr double kMaxSeconds = 86400;
constexpr int64_t kMaxSteps = 10000;

}  // namespace

HandlerResult SleepHandler::Run(JobContext& context) {
  JsonPayload payload(context.job().payload, {"seconds", "steps"});
  const double seconds = payload.Number("seconds", 0, kMaxSeconds, 1);
  const int64_t steps = payload.Integer("steps", 1, kMaxSteps, 1);
  if (!payload.status().ok()) return BadPayload(payload.status());

  // Each step ends at its time since the start, so that small delays do not add up.
  const auto start = std::chrono::steady_clock::now();
  for (int64_t step = 1; step <= steps; ++step) {
    const absl::Duration due = absl::Seconds(seconds) * step / steps;
    const absl::Duration gone = absl::FromChrono(std::chrono::steady_clock::now() - start);
    if (context.WaitForCancel(due - gone)) return Stopped{};
    v1::Progress progress;
    progress.set_fraction(static_cast<double>(step) / static_cast<double>(steps));
    progress.set_message(absl::StrCat(step, " of ", steps));
    context.ReportProgress(std::move(progress));
  }
  return Success{"application/json", nlohmann::json{{"seconds", seconds}, {"steps", steps}}.dump()};
}

}  // namespace buzzer::worker
