// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/cause.h"

#include <gtest/gtest.h>

namespace buzzer::state {
namespace {

TEST(CauseTest, EveryCauseIsFoundByItsName) {
  for (int value = 1; value <= static_cast<int>(Cause::kSnapshot); ++value) {
    const auto cause = static_cast<Cause>(value);
    EXPECT_FALSE(CauseName(cause).empty()) << value;
    EXPECT_EQ(CauseNamed(CauseName(cause)), cause);
  }
}

TEST(CauseTest, NoNameStandsForNoCause) {
  EXPECT_EQ(CauseName(Cause::kNone), "");
  EXPECT_EQ(CauseNamed(""), std::nullopt);
  EXPECT_EQ(CauseNamed("REASON_OF_A_NEWER_PROGRAM"), std::nullopt);
  EXPECT_EQ(CauseName(static_cast<Cause>(1000)), "");
}

// Databases hold the values, and callers read the names.
TEST(CauseTest, ValuesAndNamesStayAsTheyAre) {
  EXPECT_EQ(static_cast<int>(Cause::kSubmitted), 1);
  EXPECT_EQ(CauseName(Cause::kHandedBack), "HANDED_BACK");
  EXPECT_EQ(static_cast<int>(Cause::kHandedBack), 6);
  EXPECT_EQ(CauseName(Cause::kDeadlineExceeded), "DEADLINE_EXCEEDED");
  EXPECT_EQ(static_cast<int>(Cause::kRestored), 15);
  EXPECT_EQ(CauseName(Cause::kRestored), "RESTORED");
}

}  // namespace
}  // namespace buzzer::state
