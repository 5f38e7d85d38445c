// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The payload of a job, as the worker's own handlers read it.

#include <limits>

#include "absl/strings/match.h"
#include "services/worker/handlers/json_payload.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::worker {
namespace {

void Run(absl::string_view text) {
  JsonPayload payload(text, {"seconds", "steps", "retryable", "message"});
  const double seconds = payload.Number("seconds", 0, 86'400, 5);
  FUZZ_CHECK(seconds >= 0 && seconds <= 86'400);
  const int64_t steps = payload.Integer("steps", 0, 10'000, 3);
  FUZZ_CHECK(steps >= 0 && steps <= 10'000);
  payload.Bool("retryable", true);
  payload.Text("message", "");
  if (payload.status().ok()) return;
  // Told to whoever made the job, and shown on terminals.
  fuzz::CheckError(payload.status(), absl::StatusCode::kInvalidArgument, "", 1024);
  FUZZ_CHECK_SEEN(absl::StrContains(payload.status().message(), "`payload"),
                  payload.status().message());
  const Failure failure = BadPayload(payload.status());
  FUZZ_CHECK(!failure.retryable && failure.reason == "INVALID_PAYLOAD");
}

}  // namespace
}  // namespace buzzer::worker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  buzzer::worker::Run(buzzer::fuzz::ToView(data, size));
  return 0;
}
