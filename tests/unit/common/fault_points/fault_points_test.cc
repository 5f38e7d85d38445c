// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/fault_points/fault_points.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace buzzer {
namespace {

// The environment is read once a process: each reads its own in a fork.
class FaultPoints : public ::testing::Test {
 protected:
  void Arm(const std::string& point) const {
    std::ofstream(path_, std::ios::binary) << point << '\0';
    setenv("BUZZER_CRASH_FILE", path_.c_str(), 1);
  }
  // What is armed now.
  std::string Armed() const {
    std::ifstream file(path_, std::ios::binary);
    std::string point;
    std::getline(file, point, '\0');
    return point;
  }

  const testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/crash";
};

TEST_F(FaultPoints, KillsTheProcessAtTheArmedPointAndDisarmsIt) {
  Arm("commit.before");
  EXPECT_EXIT(
      {
        BUZZER_CRASH_POINT("commit");
        BUZZER_CRASH_POINT("commit.before.more");
        BUZZER_CRASH_POINT("commit.after");
        BUZZER_CRASH_POINT_IF(false, "commit.before");
        std::fputs("before", stderr);
        BUZZER_CRASH_POINT("commit.before");
        std::exit(0);
      },
      ::testing::KilledBySignal(SIGKILL), "before");
  EXPECT_EQ(Armed(), "");
}

TEST_F(FaultPoints, CrashesWhereTheConditionHolds) {
  Arm("claim_commit.after");
  EXPECT_EXIT(
      {
        BUZZER_CRASH_POINT_IF(true, "claim_commit.after");
        std::exit(0);
      },
      ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FaultPoints, PassesAnyPointWhileNothingIsArmed) {
  Arm("");
  EXPECT_EXIT(
      {
        BUZZER_CRASH_POINT("commit.before");
        BUZZER_CRASH_POINT("");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(FaultPoints, PassesAnyPointWithoutAFile) {
  unsetenv("BUZZER_CRASH_FILE");
  EXPECT_EXIT(
      {
        BUZZER_CRASH_POINT("commit.before");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(FaultPoints, EndsIfTheFileCannotBeMapped) {
  setenv("BUZZER_CRASH_FILE", (directory_.path() + "/none/crash").c_str(), 1);
  EXPECT_DEATH(BUZZER_CRASH_POINT("commit.before"), "cannot be mapped");
}

TEST_F(FaultPoints, PlantsTheOneBugThatIsNamed) {
  setenv("BUZZER_PLANTED", "no_fencing", 1);
  EXPECT_EXIT(std::exit(BUZZER_PLANTED("no_fencing") && !BUZZER_PLANTED("no_fencin") ? 0 : 1),
              ::testing::ExitedWithCode(0), "");
  unsetenv("BUZZER_PLANTED");
  EXPECT_EXIT(std::exit(BUZZER_PLANTED("no_fencing") || BUZZER_PLANTED("") ? 1 : 0),
              ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace buzzer
