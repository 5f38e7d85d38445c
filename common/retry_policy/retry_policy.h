// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_RETRY_POLICY_RETRY_POLICY_H_
#define COMMON_RETRY_POLICY_RETRY_POLICY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer {

// What a RetryPolicy may hold. Asked of a caller's submit, of a worker's file and of a worker's
// claim, and again by the state service.

// For messages: "must be " + this.
inline constexpr char kReasonRule[] = "1 to 63 upper-case letters, digits or '_'";

// Whether it may be named as a final reason.
bool IsReason(absl::string_view text);

// A field of a policy that cannot be, and what would be right: "must be " + `rule`.
struct RetryPolicyFault {
  // The proto's name, such as `initial_delay`.
  std::string field;
  std::string rule;
};

// Every field that cannot be, in their order; empty if the policy is sound. Thread-safe.
std::vector<RetryPolicyFault> FindFaults(const v1::RetryPolicy& policy);

}  // namespace buzzer

#endif  // COMMON_RETRY_POLICY_RETRY_POLICY_H_
