// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/state/open_store.h"
#include "tests/support/blocking_store.h"
#include "tests/support/temporary_directory.h"

namespace buzzer {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class DiskFaults : public ::testing::Test {
 protected:
  DiskFaults() { std::filesystem::create_directory(data_); }

  // The wait status of the shell's command, run with the preload on the data directory.
  int Run(const std::string& command) const {
    return std::system(absl::StrCat("exec env LD_PRELOAD=", BUZZER_PRELOAD,
                                    " BUZZER_DROP_UNSYNCED=1 BUZZER_DROP_DIRECTORY=", data_,
                                    " BUZZER_FSYNC_FAULT_FILE=", fault_, " ", command)
                           .c_str());
  }
  void CutPower() const {
    ASSERT_EQ(std::system(absl::StrCat(BUZZER_CUT_POWER, " ", data_).c_str()), 0);
  }
  static bool IsKilled(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

  const testing::TemporaryDirectory directory_;
  const std::string data_ = directory_.path() + "/data";
  const std::string fault_ = directory_.path() + "/fault";
};

TEST_F(DiskFaults, LeavesWhatWasSyncedAndNothingElse) {
  std::ofstream(data_ + "/before") << "was there";
  ASSERT_TRUE(IsKilled(Run(absl::StrCat(BUZZER_FILES_PROGRAM, " ", data_, " ", fault_))));
  EXPECT_EQ(Read(data_ + "/appended"), "synced and lost");
  CutPower();
  std::map<std::string, std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(data_)) {
    left[entry.path().filename()] = Read(entry.path());
  }
  EXPECT_THAT(left, UnorderedElementsAre(Pair("before", "was there"), Pair("appended", "synced"),
                                         Pair("truncated", "whole"), Pair("shortened", "w"),
                                         Pair("new_name", "moved"), Pair("failed", "first"),
                                         Pair("healed", "kept")));
}

// With a commit that is not fsynced it fails.
TEST_F(DiskFaults, TheStoreKeepsEveryAcceptedJob) {
  const std::string accepted = directory_.path() + "/accepted";
  for (int round = 0; round < 3; ++round) {
    // More than the log holds before it is written back.
    ASSERT_TRUE(IsKilled(Run(absl::StrCat(BUZZER_STORE_PROGRAM, " ", data_, " 400 >>", accepted))));
    CutPower();
  }
  state::JobStoreOptions options;
  auto opened = state::OpenSqliteJobStore(data_, std::move(options));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const state::BlockingStore store(opened->get());
  std::ifstream ids(accepted);
  int count = 0;
  for (std::string id; ids >> id; ++count) {
    const auto parsed = JobId::Parse(id);
    ASSERT_TRUE(parsed.has_value()) << id;
    EXPECT_TRUE(store.Get(*parsed).ok()) << id;
  }
  EXPECT_EQ(count, 1200);
  EXPECT_EQ(store.Count(v1::Job::QUEUED), 1200);
}

}  // namespace
}  // namespace buzzer
