// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/cause.h"

#include <array>
#include <cstddef>

namespace buzzer::state {
namespace {

// By the values of Cause.
constexpr std::array<absl::string_view, 18> kNames = {
    "",
    "SUBMITTED",
    "DUE",
    "CLAIMED",
    "SUCCEEDED",
    "FAILED",
    "HANDED_BACK",
    "LEASE_EXPIRED",
    "ATTEMPT_TIMEOUT",
    "WORKER_LOST",
    "CANCEL_REQUESTED",
    "CANCELLED",
    "CANCEL_FORCED",
    "DEADLINE_EXCEEDED",
    "RETRY_REQUESTED",
    "RESTORED",
    "PROGRESS",
    "SNAPSHOT",
};

}  // namespace

absl::string_view CauseName(Cause cause) {
  const auto place = static_cast<size_t>(cause);
  return place < kNames.size() ? kNames[place] : absl::string_view();
}

std::optional<Cause> CauseNamed(absl::string_view name) {
  for (size_t place = 1; place < kNames.size(); ++place) {
    if (kNames[place] == name) return static_cast<Cause>(place);
  }
  return std::nullopt;
}

}  // namespace buzzer::state
