// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/backoff/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace buzzer {
namespace {

TEST(Backoff, DoublesItsBoundUpToTheCap) {
  const auto bound = [](int failures) {
    return Backoff::Bound(absl::Seconds(1), absl::Minutes(10), failures);
  };
  EXPECT_EQ(bound(1), absl::Seconds(1));
  EXPECT_EQ(bound(2), absl::Seconds(2));
  EXPECT_EQ(bound(5), absl::Seconds(16));
  EXPECT_EQ(bound(10), absl::Seconds(512));
  EXPECT_EQ(bound(11), absl::Minutes(10));
  EXPECT_EQ(bound(1'000'000'000), absl::Minutes(10));
  EXPECT_EQ(bound(0), absl::Seconds(1));
}

TEST(Backoff, SpreadsOverTheWholeBound) {
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration delay = Backoff::FullJitter(absl::Seconds(1));
    ASSERT_GE(delay, absl::ZeroDuration());
    ASSERT_LT(delay, absl::Seconds(1));
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_LT(least, absl::Milliseconds(100));
  EXPECT_GT(most, absl::Milliseconds(900));
}

TEST(Backoff, StaysBelowItsBoundForeverAndStartsOver) {
  Backoff backoff(absl::Milliseconds(50), absl::Seconds(2));
  for (int failures = 1; failures < 1000; ++failures) {
    EXPECT_LE(backoff.Next(), Backoff::Bound(absl::Milliseconds(50), absl::Seconds(2), failures));
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(50));
}

}  // namespace
}  // namespace buzzer
