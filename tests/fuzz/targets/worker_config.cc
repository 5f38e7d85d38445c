// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The worker's YAML file.

#include <cstdlib>
#include <set>

#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/retry_policy/retry_policy.h"
#include "services/worker/config.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/file.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::worker {
namespace {

void CheckDuration(absl::Duration duration) {
  FUZZ_CHECK(duration >= absl::ZeroDuration() && duration <= absl::Hours(24 * 365));
}

void CheckHandler(const HandlerConfig& handler, const Config& config) {
  FUZZ_CHECK(IsName(handler.type) && IsName(handler.queue));
  FUZZ_CHECK(handler.concurrency >= 1 && handler.concurrency <= config.slots);
  CheckDuration(handler.grace);
  CheckDuration(handler.attempt_timeout);
  FUZZ_CHECK(handler.max_attempts >= 0 && handler.max_attempts <= kMaxMaxAttempts);
  FUZZ_CHECK(FindFaults(handler.retry).empty());
  if (handler.kind != HandlerConfig::Kind::kExec) return;
  FUZZ_CHECK(!handler.program.argv.empty() && handler.program.argv[0][0] == '/');
  FUZZ_CHECK(!handler.program.content_type.empty());
  for (const auto& [name, value] : handler.program.environment) {
    FUZZ_CHECK(!name.empty() && name.find('=') == std::string::npos);
    FUZZ_CHECK(name.find('\0') == std::string::npos);
  }
}

void Run(fuzz::File& file, absl::string_view text) {
  file.Write(text);
  const auto config = LoadConfig(file.path());
  if (!config.ok()) {
    fuzz::CheckFaults(config.status(), file.path());
    return;
  }
  FUZZ_CHECK(config->slots >= 1 && config->slots <= 10'000);
  CheckDuration(config->drain_timeout);
  CheckDuration(config->state_outage_limit);
  FUZZ_CHECK(!config->handlers.empty());
  std::set<std::string> types;
  for (const HandlerConfig& handler : config->handlers) {
    CheckHandler(handler, *config);
    FUZZ_CHECK(types.insert(handler.type).second);
  }
}

}  // namespace
}  // namespace buzzer::worker

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // What programs there are must not matter.
  setenv("PATH", "/bin", 1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static buzzer::fuzz::File file;
  buzzer::worker::Run(file, buzzer::fuzz::ToView(data, size));
  return 0;
}
