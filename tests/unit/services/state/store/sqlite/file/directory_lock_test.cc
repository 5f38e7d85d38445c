// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/directory_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {
namespace {

using ::testing::HasSubstr;

TEST(DirectoryLock, MakesTheDirectoryAndHoldsIt) {
  const testing::TemporaryDirectory parent;
  const std::string directory = parent.path() + "/a/b";
  auto lock = DirectoryLock::Acquire(directory);
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto second = DirectoryLock::Acquire(directory);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  lock->reset();
  EXPECT_TRUE(DirectoryLock::Acquire(directory).ok());
}

TEST(DirectoryLock, NamesTheProcessThatHoldsIt) {
  const testing::TemporaryDirectory directory;
  const auto lock = DirectoryLock::Acquire(directory.path());
  ASSERT_TRUE(lock.ok());
  const auto second = DirectoryLock::Acquire(directory.path());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("process ", getpid(), ";")));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(directory.path()));
}

TEST(DirectoryLock, IsFreeWhenItsHolderDiedHoweverItDied) {
  const testing::TemporaryDirectory directory;
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = DirectoryLock::Acquire(directory.path());
    _exit(lock.ok() ? 0 : 1);  // Without releasing it.
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(DirectoryLock::Acquire(directory.path()).ok());
}

TEST(DirectoryLock, SaysWhyADirectoryCannotBeUsed) {
  const testing::TemporaryDirectory directory;
  const std::string file = directory.path() + "/file";
  std::ofstream(file) << "x";
  const auto lock = DirectoryLock::Acquire(file);
  EXPECT_TRUE(absl::IsUnavailable(lock.status()));
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr(file));
}

}  // namespace
}  // namespace buzzer::state
