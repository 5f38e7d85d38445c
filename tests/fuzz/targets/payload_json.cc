// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// A job's payload, JSON to Value and back.

#include "services/frontend/payload_json.h"

#include "absl/strings/match.h"
#include "common/limits/limits.h"
#include "services/frontend/limits.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::frontend {
namespace {

void Run(absl::string_view text) {
  const auto value = FromJson(text);
  if (!value.ok()) {
    fuzz::CheckError(value.status(), absl::StatusCode::kInternal, "", 256);
    return;
  }
  const auto json = ToJson(*value, kMaxJsonDepth, kMaxPayloadBytes);
  if (!json.ok()) {
    fuzz::CheckText(json.status().message(), 256);
    return;
  }
  // One line, whatever was in it: it goes to programs that read lines.
  FUZZ_CHECK(!absl::StrContains(*json, '\n') && !absl::StrContains(*json, '\0'));
  const auto again = FromJson(*json);
  FUZZ_CHECK_SEEN(again.ok(), *json);
  const auto json_again = ToJson(*again, kMaxJsonDepth, kMaxPayloadBytes);
  FUZZ_CHECK_SEEN(json_again.ok() && *json_again == *json, *json);
}

}  // namespace
}  // namespace buzzer::frontend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  buzzer::frontend::Run(buzzer::fuzz::ToView(data, size));
  return 0;
}
