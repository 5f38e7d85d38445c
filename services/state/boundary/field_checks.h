// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_BOUNDARY_FIELD_CHECKS_H_
#define SERVICES_STATE_BOUNDARY_FIELD_CHECKS_H_

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "buzzer/v1/job.pb.h"
#include "common/errors/errors.h"
#include "common/job_id/job_id.h"
#include "common/limits/limits.h"
#include "common/retry_policy/retry_policy.h"

namespace buzzer::state {

// What the checks of both services have in common.

inline absl::Status CheckId(absl::string_view field, absl::string_view bytes) {
  if (JobId::FromBytes(bytes).has_value()) return absl::OkStatus();
  return InvalidField(field, "must be the 16 bytes of a job's id");
}

// Of a job or of a claim. `max_attempts` 0 means unset.
inline absl::Status CheckRetries(const v1::RetryPolicy& policy, int32_t max_attempts) {
  if (max_attempts < 0 || max_attempts > kMaxMaxAttempts) {
    return InvalidField("max_attempts", absl::StrCat("must be 1 to ", kMaxMaxAttempts,
                                                     ", or 0 for unset, not ", max_attempts));
  }
  const std::vector<RetryPolicyFault> faults = FindFaults(policy);
  if (faults.empty()) return absl::OkStatus();
  return InvalidField(absl::StrCat("retry.", faults[0].field),
                      absl::StrCat("must be ", faults[0].rule));
}

// Whether an ASCII control character is in the text, a line's end for instance.
inline bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

}  // namespace buzzer::state

#endif  // SERVICES_STATE_BOUNDARY_FIELD_CHECKS_H_
