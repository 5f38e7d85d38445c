// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "absl/random/random.h"
#include "common/limits/limits.h"
#include "services/state/job/job_record.h"

namespace buzzer::state {
namespace {

// A hundred milliseconds grow beyond every longest delay by this.
constexpr double kMaxGrowth = 1e9;

// Where a value comes from; the nearer to the job, the higher.
enum class Origin { kDefault, kHandler, kSubmit };

struct Delay {
  absl::Duration value;
  Origin origin = Origin::kDefault;
};

Delay Choose(bool submitted, const google::protobuf::Duration& of_submit, bool handlers,
             const google::protobuf::Duration& of_handler, absl::Duration otherwise) {
  if (submitted) return {FromDuration(of_submit), Origin::kSubmit};
  if (handlers) return {FromDuration(of_handler), Origin::kHandler};
  return {otherwise, Origin::kDefault};
}

}  // namespace

double DrawJitter() {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

v1::RetryPolicy EffectivePolicy(const v1::RetryPolicy& submitted, const v1::RetryPolicy& handlers) {
  Delay initial =
      Choose(submitted.has_initial_delay(), submitted.initial_delay(), handlers.has_initial_delay(),
             handlers.initial_delay(), kDefaultInitialRetryDelay);
  Delay longest = Choose(submitted.has_max_delay(), submitted.max_delay(), handlers.has_max_delay(),
                         handlers.max_delay(), kDefaultMaxRetryDelay);
  if (longest.value < initial.value) {
    if (longest.origin > initial.origin) {
      initial.value = longest.value;
    } else {
      longest.value = initial.value;
    }
  }
  v1::RetryPolicy policy;
  *policy.mutable_initial_delay() = ToDuration(initial.value);
  *policy.mutable_max_delay() = ToDuration(longest.value);
  policy.set_factor(submitted.has_factor()  ? submitted.factor()
                    : handlers.has_factor() ? handlers.factor()
                                            : kDefaultRetryFactor);
  policy.set_jitter(submitted.has_jitter()  ? submitted.jitter()
                    : handlers.has_jitter() ? handlers.jitter()
                                            : kDefaultRetryJitter);
  *policy.mutable_final_reasons() =
      submitted.final_reasons().empty() ? handlers.final_reasons() : submitted.final_reasons();
  return policy;
}

absl::Duration RetryDelay(const v1::RetryPolicy& policy, int failures, double draw) {
  const double growth = std::min(std::pow(policy.factor(), failures - 1), kMaxGrowth);
  const absl::Duration whole =
      std::min(FromDuration(policy.initial_delay()) * growth, FromDuration(policy.max_delay()));
  return whole * (1 - policy.jitter() * draw);
}

bool IsFinal(const v1::RetryPolicy& policy, const std::string& reason) {
  const auto& reasons = policy.final_reasons();
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

}  // namespace buzzer::state
