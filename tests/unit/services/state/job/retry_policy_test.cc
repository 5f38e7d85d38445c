// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/retry_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/retry_policy/retry_policy.h"

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::RetryPolicy Delays(int64_t initial, int64_t longest) {
  v1::RetryPolicy policy;
  if (initial > 0) policy.mutable_initial_delay()->set_seconds(initial);
  if (longest > 0) policy.mutable_max_delay()->set_seconds(longest);
  return policy;
}

TEST(EffectivePolicy, HasTheDefaultsWhereNobodySaysAnything) {
  const v1::RetryPolicy policy = EffectivePolicy({}, {});
  EXPECT_EQ(policy.initial_delay().seconds(), 2);
  EXPECT_EQ(policy.factor(), 2);
  EXPECT_EQ(policy.max_delay().seconds(), 600);
  EXPECT_EQ(policy.jitter(), 0.25);
  EXPECT_THAT(policy.final_reasons(), IsEmpty());
}

TEST(EffectivePolicy, TakesEachFieldFromTheNearestPlaceThatHasIt) {
  v1::RetryPolicy submitted, handlers;
  submitted.set_factor(1);
  submitted.set_jitter(0);
  handlers.set_factor(3);
  handlers.mutable_initial_delay()->set_seconds(7);
  handlers.add_final_reasons("NO_INK");
  v1::RetryPolicy policy = EffectivePolicy(submitted, handlers);
  EXPECT_EQ(policy.factor(), 1);
  EXPECT_EQ(policy.jitter(), 0);
  EXPECT_EQ(policy.initial_delay().seconds(), 7);
  EXPECT_EQ(policy.max_delay().seconds(), 600);
  EXPECT_THAT(policy.final_reasons(), ElementsAre("NO_INK"));
  submitted.add_final_reasons("HTTP_404");
  policy = EffectivePolicy(submitted, handlers);
  EXPECT_THAT(policy.final_reasons(), ElementsAre("HTTP_404"));
}

TEST(EffectivePolicy, LetsTheNearerPlaceSettleDelaysThatDoNotGoTogether) {
  const auto delays = [](const v1::RetryPolicy& submitted, const v1::RetryPolicy& handlers) {
    const v1::RetryPolicy policy = EffectivePolicy(submitted, handlers);
    EXPECT_THAT(FindFaults(policy), IsEmpty());
    return std::pair(policy.initial_delay().seconds(), policy.max_delay().seconds());
  };
  EXPECT_EQ(delays(Delays(3600, 0), {}), std::pair(3600l, 3600l));
  EXPECT_EQ(delays(Delays(0, 1), {}), std::pair(1l, 1l));
  EXPECT_EQ(delays({}, Delays(0, 1)), std::pair(1l, 1l));
  EXPECT_EQ(delays(Delays(3600, 0), Delays(5, 60)), std::pair(3600l, 3600l));
  EXPECT_EQ(delays(Delays(0, 10), Delays(60, 600)), std::pair(10l, 10l));
  EXPECT_EQ(delays(Delays(0, 10), Delays(5, 600)), std::pair(5l, 10l));
}

TEST(RetryDelay, GrowsByTheFactorUpToTheLongest) {
  v1::RetryPolicy policy = EffectivePolicy(Delays(1, 100), {});
  policy.set_factor(1.5);
  EXPECT_EQ(RetryDelay(policy, 1, 0), absl::Seconds(1));
  EXPECT_EQ(RetryDelay(policy, 3, 0), absl::Milliseconds(2250));
  EXPECT_EQ(RetryDelay(policy, 40, 0), absl::Seconds(100));
  policy.set_factor(1);
  EXPECT_EQ(RetryDelay(policy, 99, 0), absl::Seconds(1));
  policy.set_factor(10);
  EXPECT_EQ(RetryDelay(policy, std::numeric_limits<int>::max(), 0), absl::Seconds(100));
}

TEST(RetryDelay, TakesOffTheDrawnShareOfTheJitter) {
  v1::RetryPolicy policy = EffectivePolicy(Delays(100, 100), {});
  EXPECT_EQ(RetryDelay(policy, 1, 0.5), absl::Seconds(87.5));
  policy.set_jitter(1);
  EXPECT_EQ(RetryDelay(policy, 1, 0.5), absl::Seconds(50));
  policy.set_jitter(0);
  EXPECT_EQ(RetryDelay(policy, 1, 0.999), absl::Seconds(100));
}

TEST(DrawJitter, StaysWithinItsRange) {
  for (int i = 0; i < 1000; ++i) {
    const double draw = DrawJitter();
    EXPECT_GE(draw, 0);
    EXPECT_LT(draw, 1);
  }
}

}  // namespace
}  // namespace buzzer::state
