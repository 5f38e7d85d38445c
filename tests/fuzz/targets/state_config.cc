// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// State's YAML file.

#include "common/names/names.h"
#include "services/state/config.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/file.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::state {
namespace {

void Run(fuzz::File& file, absl::string_view text) {
  file.Write(text);
  const auto config = LoadConfig(file.path());
  if (!config.ok()) {
    fuzz::CheckFaults(config.status(), file.path());
    return;
  }
  for (const auto& [queue, limit] : config->max_waiting_by_queue) {
    FUZZ_CHECK(IsName(queue) && limit >= 1);
  }
  for (const TypeRecord& type : config->types) {
    FUZZ_CHECK(IsName(type.type) && IsName(type.queue));
  }
}

}  // namespace
}  // namespace buzzer::state

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static buzzer::fuzz::File file;
  buzzer::state::Run(file, buzzer::fuzz::ToView(data, size));
  return 0;
}
