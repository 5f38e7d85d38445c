// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/private_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace buzzer::state {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PrivateDirectoryTest : public ::testing::Test {
 protected:
  std::string Make(const std::string& name, mode_t mode) const {
    std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << "jobs";
    chmod(path.c_str(), mode);
    return path;
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  std::string LogOfKeeping(const std::string& directory) const {
    ::testing::internal::CaptureStderr();
    KeepPrivate(directory);
    return ::testing::internal::GetCapturedStderr();
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(PrivateDirectoryTest, ClosesFilesThatOthersCanReadAndSaysSoOnce) {
  const std::string database = Make("buzzer.db", 0644);
  const std::string log = Make("buzzer.db-wal", 0646);
  const std::string closed = Make("lock", 0600);
  const std::string text = LogOfKeeping(directory_.path());
  EXPECT_THAT(text, HasSubstr("\"event\":\"data_was_open_to_others\""));
  EXPECT_THAT(text, HasSubstr("\"files\":2"));
  EXPECT_EQ(ModeOf(database), 0640);
  EXPECT_EQ(ModeOf(log), 0640);
  EXPECT_EQ(ModeOf(closed), 0600);
  EXPECT_THAT(LogOfKeeping(directory_.path()), IsEmpty());
}

TEST_F(PrivateDirectoryTest, LeavesWhatALinkPointsAt) {
  testing::TemporaryDirectory other;
  const std::string elsewhere = other.path() + "/file";
  std::ofstream(elsewhere) << "x";
  chmod(elsewhere.c_str(), 0644);
  ASSERT_EQ(symlink(elsewhere.c_str(), (directory_.path() + "/link").c_str()), 0);
  EXPECT_THAT(LogOfKeeping(directory_.path()), IsEmpty());
  EXPECT_EQ(ModeOf(elsewhere), 0644);
}

TEST_F(PrivateDirectoryTest, TellsHowToCloseADirectoryAndLeavesItsMode) {
  chmod(directory_.path().c_str(), 0755);
  std::string text = LogOfKeeping(directory_.path());
  EXPECT_THAT(text, HasSubstr("look into it; close it with: chmod o-rwx " + directory_.path()));
  EXPECT_EQ(ModeOf(directory_.path()), 0755);
  chmod(directory_.path().c_str(), 0777);
  EXPECT_THAT(LogOfKeeping(directory_.path()), HasSubstr("can write to it"));
}

TEST_F(PrivateDirectoryTest, SaysNothingOfOneThatIsNotThereYet) {
  EXPECT_THAT(LogOfKeeping(directory_.path() + "/none"), IsEmpty());
}

}  // namespace
}  // namespace buzzer::state
