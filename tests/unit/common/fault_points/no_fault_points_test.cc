// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What a build without the option has: nothing.

#include <gtest/gtest.h>

#include <cstdlib>

#include "common/fault_points/fault_points.h"

namespace buzzer {
namespace {

static_assert(!BUZZER_PLANTED("no_fencing"), "known at compile time");

TEST(NoFaultPoints, LookAtNothing) {
  setenv("BUZZER_CRASH_FILE", "/nowhere/crash", 1);
  int looked = 0;
  BUZZER_CRASH_POINT("commit.before");
  BUZZER_CRASH_POINT_IF(++looked > 0, "commit.before");
  EXPECT_EQ(looked, 0);
}

}  // namespace
}  // namespace buzzer
