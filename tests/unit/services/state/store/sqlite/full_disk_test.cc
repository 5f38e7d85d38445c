// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What the SQLite store does on a full disk: refuses by name, keeps all that it accepted
// and nothing that it refused, and goes on when there is space.

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <vector>

#include "common/errors/errors.h"
#include "services/state/steps/fullness_log.h"
#include "tests/unit/services/state/store_test.h"

namespace {

constexpr int64_t kRoomy = std::numeric_limits<int64_t>::max();
// Bytes that the disk still takes.
std::atomic<int64_t> room = kRoomy;

// Writes what there is room for, as a file system does.
ssize_t WriteInto(int fd, const void* data, size_t size, off64_t offset) {
  using Function = ssize_t(int, const void*, size_t, off64_t);
  static auto* const real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "pwrite64"));
  const int64_t left = room;
  if (left == kRoomy) return real(fd, data, size, offset);
  if (left == 0) {
    errno = ENOSPC;
    return -1;
  }
  const size_t part = std::min(size, static_cast<size_t>(left));
  room = left - static_cast<int64_t>(part);
  return real(fd, data, part, offset);
}

}  // namespace

// A program's own come before the C library's; SQLite writes with these.
extern "C" ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return WriteInto(fd, data, size, offset);
}
extern "C" ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  return WriteInto(fd, data, size, offset);
}

namespace buzzer::state {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FullDisk : public StoreTest {
 protected:
  // Lets the log's shortest interval pass, submits `count` jobs, and returns what is logged.
  std::string LogOfSubmits(int count) {
    clock_.Advance(FullnessLog::kInterval);
    ::testing::internal::CaptureStderr();
    for (int i = 0; i < count; ++i) store().Submit(NewJob()).IgnoreError();
    return ::testing::internal::GetCapturedStderr();
  }

  ~FullDisk() override {
    room = kRoomy;
    CloseStore();
  }
};

TEST_F(FullDisk, RefusesByNameAndGoesOnWhenThereIsSpace) {
  const JobRecord before = Submit();
  room = 0;
  for (int i = 0; i < 3; ++i) {
    const absl::Status refused = store().Submit(NewJob()).status();
    EXPECT_TRUE(absl::IsUnavailable(refused));
    EXPECT_EQ(ErrorReason(refused), "STORE_FULL");
    EXPECT_TRUE(ErrorRetryAfter(refused).has_value());
  }
  store().SetPaused("of-nobody", false);  // Needs no space, and says nothing of it.
  EXPECT_TRUE(store_->Space().disk_full);
  // Only submits count as refused.
  EXPECT_FALSE(store().Cancel(before.id).ok());
  EXPECT_EQ(store_->Space().refused[Refusal::kDiskFull], 3);
  EXPECT_EQ(store().MustGet(before.id).state, v1::Job::QUEUED);
  room = kRoomy;
  const JobRecord after = Submit();
  EXPECT_FALSE(store_->Space().disk_full);
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{before.id, after.id}));
  EXPECT_TRUE(store().Succeed(store().MustClaim(before.id)));
}

TEST_F(FullDisk, SaysThatItTakesJobsOnlyAfterItTookOne) {
  Submit();
  room = 0;
  EXPECT_THAT(LogOfSubmits(1), HasSubstr("store_full"));
  // One that is let in, and then finds no room, is none that was taken.
  EXPECT_THAT(LogOfSubmits(3), Not(HasSubstr("store_takes_jobs")));
  room = kRoomy;
  EXPECT_THAT(LogOfSubmits(1), AllOf(HasSubstr("store_takes_jobs"), Not(HasSubstr("store_full"))));
}

TEST_F(FullDisk, BuildsNothingUponAStepThatWasRolledBack) {
  const JobRecord job = Submit();
  room = 0;
  EXPECT_EQ(ErrorReason(store().Cancel(job.id).status()), "STORE_FULL");
  room = kRoomy;
  // The writer remembers jobs: this one is QUEUED still, with the place it had.
  EXPECT_TRUE(store().Succeed(store().MustClaim(job.id)));
  EXPECT_EQ(store().MustGet(job.id).revision, 3);
  EXPECT_TRUE(store().Outbox().empty());
}

TEST_F(FullDisk, KeepsExactlyWhatItAcceptedWhereverTheDiskRanFull) {
  std::vector<JobId> accepted;
  std::vector<JobId> refused;
  // A commit of one job writes about ten pages.
  for (int64_t bytes = 0; bytes < 60'000; bytes += 1'777) {
    const internal::v1::NewJob job = NewJob();
    room = bytes;
    const absl::Status status = store().Submit(job).status();
    room = kRoomy;
    EXPECT_EQ(ErrorReason(status), status.ok() ? "" : "STORE_FULL") << bytes;
    (status.ok() ? accepted : refused).push_back(*JobId::FromBytes(job.id()));
    // One that fits, so that the log goes on behind the failed one.
    if (bytes % 2 == 0) accepted.push_back(Submit().id);
  }
  EXPECT_GT(refused.size(), 5u);
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(store().Outbox(), accepted);
    EXPECT_EQ(store().Count(v1::Job::QUEUED), static_cast<int64_t>(accepted.size()));
    for (const JobId& id : refused) EXPECT_TRUE(absl::IsNotFound(store().Get(id).status()));
    CloseStore();
    OpenStore();
  }
}

}  // namespace
}  // namespace buzzer::state
