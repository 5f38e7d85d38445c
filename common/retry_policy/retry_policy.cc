// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/retry_policy/retry_policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "common/times/times.h"

namespace buzzer {
namespace {

// As a person writes it: "100 ms", "24 h", "7 days".
std::string Text(absl::Duration duration) {
  constexpr std::pair<absl::Duration, const char*> kUnits[] = {
      {absl::Hours(24), " days"}, {absl::Hours(1), " h"}, {absl::Seconds(1), " s"}};
  for (const auto& [unit, name] : kUnits) {
    if (duration >= (unit == absl::Hours(24) ? 2 * unit : unit) &&
        duration % unit == absl::ZeroDuration()) {
      return absl::StrCat(duration / unit, name);
    }
  }
  return absl::StrCat(absl::ToInt64Milliseconds(duration), " ms");
}

std::string Range(absl::Duration min, absl::Duration max) {
  return absl::StrCat(Text(min), " to ", Text(max));
}

// False for what is no number, too.
bool IsIn(double value, double min, double max) { return value >= min && value <= max; }

}  // namespace

bool IsReason(absl::string_view text) {
  if (text.empty() || text.size() > kMaxReasonCharacters) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::vector<RetryPolicyFault> FindFaults(const v1::RetryPolicy& policy) {
  std::vector<RetryPolicyFault> faults;
  const auto add = [&](const char* field, std::string rule) {
    faults.push_back({field, std::move(rule)});
  };
  const bool initial_fits =
      policy.has_initial_delay() &&
      IsInRange(policy.initial_delay(), kMinRetryDelay, kMaxInitialRetryDelay);
  if (policy.has_initial_delay() && !initial_fits) {
    add("initial_delay", Range(kMinRetryDelay, kMaxInitialRetryDelay));
  }
  if (policy.has_factor() && !IsIn(policy.factor(), 1, kMaxRetryFactor)) {
    add("factor", absl::StrCat("a number from 1 to ", kMaxRetryFactor));
  }
  if (policy.has_max_delay()) {
    const absl::Duration least =
        initial_fits ? *CheckedDuration(policy.initial_delay()) : kMinRetryDelay;
    if (!IsInRange(policy.max_delay(), least, kMaxRetryDelay)) {
      add("max_delay", initial_fits ? absl::StrCat("from the initial delay (", Text(least), ") to ",
                                                   Text(kMaxRetryDelay))
                                    : Range(kMinRetryDelay, kMaxRetryDelay));
    }
  }
  if (policy.has_jitter() && !IsIn(policy.jitter(), 0, 1)) add("jitter", "a number from 0 to 1");
  if (policy.final_reasons_size() > kMaxFinalReasons) {
    add("final_reasons",
        absl::StrCat("at most ", kMaxFinalReasons, ", not ", policy.final_reasons_size()));
  } else if (!std::all_of(policy.final_reasons().begin(), policy.final_reasons().end(), IsReason)) {
    add("final_reasons", absl::StrCat("reasons such as PROGRAM_FAILED, each ", kReasonRule));
  }
  return faults;
}

}  // namespace buzzer
