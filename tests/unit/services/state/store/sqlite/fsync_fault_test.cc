// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What the SQLite store does when an fsync fails: new work is refused, by name, for as long
// as it fails; nothing that was in doubt comes back to life later.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/errors/errors.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

// The preload that is linked into this program reads the environment at each fsync.
class FsyncFault : public StoreTest {
 protected:
  FsyncFault() { setenv("BUZZER_FSYNC_FAULT_FILE", fault_.c_str(), 1); }
  ~FsyncFault() override {
    unsetenv("BUZZER_FSYNC_FAULT_FILE");
    CloseStore();
  }

  void Break() const { std::ofstream(fault_) << "EIO"; }
  void Heal() const { std::filesystem::remove(fault_); }
  // A job whose commit failed in its fsync.
  internal::v1::NewJob SubmitInDoubt() {
    internal::v1::NewJob job = NewJob();
    EXPECT_EQ(ErrorReason(store().Submit(job).status()), kCommitInDoubt);
    return job;
  }

  const testing::TemporaryDirectory elsewhere_;
  const std::string fault_ = elsewhere_.path() + "/fault";
};

TEST_F(FsyncFault, RefusesNewWorkUntilTheDiskSyncsAgain) {
  const JobRecord before = Submit();
  Break();
  SubmitInDoubt();
  for (int i = 0; i < 5; ++i) {
    const absl::Status refused = store().Submit(NewJob()).status();
    EXPECT_TRUE(absl::IsUnavailable(refused));
    EXPECT_EQ(ErrorReason(refused), "STORE_BROKEN");
    EXPECT_TRUE(ErrorRetryAfter(refused).has_value());
    // Reads go on.
    EXPECT_EQ(store().MustGet(before.id).state, v1::Job::QUEUED);
    clock_.Advance(absl::Seconds(1));
  }
  Heal();
  clock_.Advance(absl::Seconds(1));
  const JobRecord after = Submit();
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{before.id, after.id}));
  EXPECT_EQ(store().Count(v1::Job::QUEUED), 2);
}

TEST_F(FsyncFault, WhatWasInDoubtIsGoneOnceItGoesOn) {
  Submit();
  Break();
  const internal::v1::NewJob in_doubt = SubmitInDoubt();
  Heal();
  clock_.Advance(absl::Seconds(1));
  Submit();
  const JobId id = *JobId::FromBytes(in_doubt.id());
  EXPECT_TRUE(absl::IsNotFound(store().Get(id).status()));
  // Not even the recovery of the log after a kill finds it.
  CloseStore();
  OpenStore();
  EXPECT_TRUE(absl::IsNotFound(store().Get(id).status()));
  EXPECT_EQ(store().MustSubmit(in_doubt).id, id);
  EXPECT_EQ(store().Count(v1::Job::QUEUED), 3);
}

TEST_F(FsyncFault, AKillMeanwhileLeavesTheJobWholeOrAbsent) {
  Submit();
  Break();
  const internal::v1::NewJob in_doubt = SubmitInDoubt();
  // What another process would find: all that was written, synced or not.
  const testing::TemporaryDirectory killed;
  std::filesystem::copy(directory_.path(), killed.path(), std::filesystem::copy_options::recursive);
  Heal();
  std::filesystem::remove(killed.path() + "/buzzer.db-shm");
  JobStoreOptions options;
  options.limits.min_free_disk = 0;
  auto opened = OpenSqliteJobStore(killed.path(), std::move(options));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const BlockingStore after(opened->get());
  EXPECT_GE(after.Outbox().size(), 1u);
  // Nothing is built upon the log that it found.
  EXPECT_EQ(std::filesystem::file_size(killed.path() + "/buzzer.db-wal"), 0u);
  const size_t kept = after.Get(*JobId::FromBytes(in_doubt.id())).ok() ? 2 : 1;
  EXPECT_EQ(after.Outbox().size(), kept);
  EXPECT_EQ(after.Count(v1::Job::QUEUED), static_cast<int64_t>(kept));
  EXPECT_EQ(after.MustSubmit(in_doubt).id.bytes(), in_doubt.id());
  EXPECT_EQ(after.Count(v1::Job::QUEUED), 2);
}

}  // namespace
}  // namespace buzzer::state
