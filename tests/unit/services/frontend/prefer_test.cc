// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/prefer.h"

#include <gtest/gtest.h>

namespace buzzer::frontend {
namespace {

// Whole seconds; 0 if there is no wait.
int64_t Wait(absl::string_view header) {
  return absl::ToInt64Seconds(
      ParsePreferWait(header, absl::Seconds(25)).value_or(absl::ZeroDuration()));
}

TEST(Prefer, TakesWait) {
  EXPECT_EQ(Wait("wait=10"), 10);
  EXPECT_EQ(Wait(" Wait = 10 "), 10);
  EXPECT_EQ(Wait("wait=\"10\""), 10);
  EXPECT_EQ(Wait("wait=10; foo=bar"), 10);
}

TEST(Prefer, FindsWaitAmongOthers) {
  EXPECT_EQ(Wait("respond-async, wait=10"), 10);
  EXPECT_EQ(Wait("handling=lenient;q=\"a, wait=3\", wait=10"), 10);
  EXPECT_EQ(Wait("note=\"say \\\"wait=1\\\", please\", wait=2"), 2);
  EXPECT_EQ(Wait(",, wait=4,"), 4);
}

TEST(Prefer, CountsTheFirstOfSeveral) { EXPECT_EQ(Wait("wait=3, wait=4"), 3); }

TEST(Prefer, CapsIt) {
  EXPECT_EQ(Wait("wait=26"), 25);
  EXPECT_EQ(Wait("wait=99999999999999999999999999"), 25);
}

TEST(Prefer, PassesOverWhatIsNoWait) {
  for (const char* header : {"", "respond-async", "wait", "wait=", "wait=0", "wait=-1", "wait=1.5",
                             "wait=ten", "await=5", "wait =\"", "x=\"wait=5", "return=minimal"}) {
    EXPECT_EQ(Wait(header), 0) << header;
  }
}

}  // namespace
}  // namespace buzzer::frontend
