// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/sqlite/disk_waker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kStart = absl::Hours(1);

// What this thread has read from disks, in bytes, as the kernel counts it.
int64_t ReadFromDisk() {
  std::ifstream counters("/proc/thread-self/io");
  std::string name;
  int64_t value = 0;
  while (counters >> name >> value) {
    if (name == "read_bytes:") return value;
  }
  return -1;
}

class DiskWakerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    struct statfs files;
    ASSERT_EQ(statfs(directory_.path().c_str(), &files), 0);
    if (files.f_type == TMPFS_MAGIC) GTEST_SKIP() << "no disk behind the temporary directory";
    if (ReadFromDisk() < 0) GTEST_SKIP() << "this kernel does not count what is read from disks";
  }

  // Until everything in the directory is on the disk.
  void AwaitDisk() const {
    const int fd = open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(syncfs(fd), 0);
    close(fd);
  }

  const testing::TemporaryDirectory directory_;
};

TEST_F(DiskWakerTest, ReadsFromADiskThatHasRestedAndFromNoOther) {
  DiskWaker waker(directory_.path());
  AwaitDisk();
  int64_t before = ReadFromDisk();
  waker.WakeIfRested(kStart);
  EXPECT_GE(ReadFromDisk(), before + 4096);

  before = ReadFromDisk();
  waker.WakeIfRested(kStart + DiskWaker::kRest / 2);
  waker.WakeIfRested(kStart + DiskWaker::kRest);
  EXPECT_EQ(ReadFromDisk(), before);

  // Nothing more is read while the first read is under way.
  absl::Duration now = kStart + DiskWaker::kRest;
  while (ReadFromDisk() < before + 4096) {
    ASSERT_LT(now, kStart + absl::Hours(1));
    waker.WakeIfRested(now += DiskWaker::kRest);
  }
}

TEST_F(DiskWakerTest, LeavesNothingInTheDirectory) {
  const DiskWaker waker(directory_.path());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST(DiskWaker, DoesNothingWhereItCannotWrite) {
  DiskWaker waker("/proc/self");
  const int64_t before = ReadFromDisk();
  waker.WakeIfRested(kStart);
  EXPECT_EQ(ReadFromDisk(), before);
}

}  // namespace
}  // namespace buzzer::state
