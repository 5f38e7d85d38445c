// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/disk_waker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/time/time.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

constexpr int64_t kPage = 4096;

// What this thread has had read from disks, in bytes, as the kernel counts it.
int64_t ReadFromDisk() {
  std::ifstream counters("/proc/thread-self/io");
  std::string name;
  int64_t value = 0;
  while (counters >> name >> value) {
    if (name == "read_bytes:") return value;
  }
  return 0;
}

// Whether there is a disk behind the directory, the file system has files without a name,
// and the kernel counts: on tmpfs, NFS, or in some sandboxes not.
bool ReadsAreCounted(const std::string& directory) {
  const int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const absl::Cleanup close_file = [fd] { close(fd); };
  std::string page(kPage, 'p');
  if (pwrite(fd, page.data(), page.size(), 0) != kPage || fdatasync(fd) != 0) return false;
  posix_fadvise(fd, 0, kPage, POSIX_FADV_DONTNEED);
  const int64_t before = ReadFromDisk();
  return pread(fd, page.data(), page.size(), 0) == kPage && ReadFromDisk() >= before + kPage;
}

TEST(DiskWaker, LeavesNothingInTheDirectory) {
  const testing::TemporaryDirectory directory;
  const DiskWaker waker(directory.path());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

class DiskWakerTest : public StoreTest {
 protected:
  void SetUp() override {
    if (!ReadsAreCounted(directory_.path())) GTEST_SKIP() << "reads from the disk do not show";
  }
  ~DiskWakerTest() override { CloseStore(); }

  // Until everything in the directory is on the disk.
  void AwaitDisk() const {
    const int fd = open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(syncfs(fd), 0);
    close(fd);
  }
};

TEST_F(DiskWakerTest, ReadsFromADiskThatHasRestedAndFromNoOther) {
  DiskWaker waker(directory_.path());
  AwaitDisk();
  absl::Duration now = absl::Hours(1);
  int64_t before = ReadFromDisk();
  waker.WakeIfRested(now);
  EXPECT_GE(ReadFromDisk(), before + kPage);

  before = ReadFromDisk();
  waker.WakeIfRested(now += DiskWaker::kRest / 2);
  waker.WakeIfRested(now += DiskWaker::kRest / 2);
  EXPECT_EQ(ReadFromDisk(), before);

  // Nothing more is read while the first read is under way.
  while (ReadFromDisk() < before + kPage) {
    ASSERT_LT(now, absl::Hours(24));
    waker.WakeIfRested(now += DiskWaker::kRest);
  }
}

TEST_F(DiskWakerTest, IsAskedByTheStoreForTheFirstWriteAfterARest) {
  Submit();  // What is read once only, is read.
  AwaitDisk();
  clock_.Advance(DiskWaker::kRest);
  int64_t before = ReadFromDisk();
  Submit();
  EXPECT_GE(ReadFromDisk(), before + kPage);

  before = ReadFromDisk();
  Submit();
  EXPECT_EQ(ReadFromDisk(), before);
}

}  // namespace
}  // namespace buzzer::state
