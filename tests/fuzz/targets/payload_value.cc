// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// A job's payload as a message: what is taken is JSON that leads back to the same.

#include <nlohmann/json.hpp>

#include "common/limits/limits.h"
#include "services/frontend/limits.h"
#include "services/frontend/payload_json.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"

namespace buzzer::frontend {
namespace {

void Run(const google::protobuf::Value& value) {
  constexpr size_t kMaxBytes = 2000;
  const auto json = ToJson(value, kMaxJsonDepth, kMaxBytes);
  if (!json.ok()) {
    fuzz::CheckText(json.status().message(), 256);
    return;
  }
  FUZZ_CHECK(json->size() <= kMaxBytes);
  // What others read it with: a worker's programs, for one.
  FUZZ_CHECK_SEEN(nlohmann::json::accept(*json), *json);
  const auto again = FromJson(*json);
  FUZZ_CHECK_SEEN(again.ok(), *json);
  const auto json_again = ToJson(*again, kMaxJsonDepth, kMaxBytes);
  FUZZ_CHECK_SEEN(json_again.ok(), *json);
  FUZZ_CHECK_SEEN(*json_again == *json, *json + " became " + *json_again);
}

}  // namespace
}  // namespace buzzer::frontend

BUZZER_FUZZ_MESSAGE(google::protobuf::Value, buzzer::frontend::Run)
