// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What the SQLite store does when its disk does not: nothing is lost, nothing is claimed
// that is not so, and it goes on by itself.

#include <signal.h>
#include <sys/resource.h>

#include <filesystem>

#include "common/errors/errors.h"
#include "services/state/store/sqlite/file/database.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

// While it lives no file of this process can be written beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

class ReopenObserver final : public CommitObserver {
 public:
  void OnCommit(const std::vector<JobChange>& changes) override {
    told += static_cast<int>(changes.size());
  }
  void OnReopen() override { ++reopened; }
  std::atomic<int> told = 0;
  std::atomic<int> reopened = 0;
};

class DiskFault : public StoreTest {
 protected:
  DiskFault() { store_->AddObserver(&observer_); }
  ~DiskFault() override { CloseStore(); }

  // The log of the database may not grow.
  rlim_t LogSize() const {
    return std::filesystem::file_size(directory_.path() + "/buzzer.db-wal");
  }

  ReopenObserver observer_;
};

TEST_F(DiskFault, TellsThatACommitIsInDoubtAndGoesOnWhenTheDiskDoes) {
  const JobRecord before = Submit();
  {
    const FileSizeLimit limit(LogSize());
    const absl::Status refused = store().Submit(NewJob()).status();
    EXPECT_TRUE(absl::IsUnavailable(refused));
    EXPECT_EQ(ErrorReason(refused), kCommitInDoubt);
    EXPECT_TRUE(ErrorRetryAfter(refused).has_value());
    // It tries to open its disk again once a second, and says so meanwhile.
    const absl::Status broken = store().Submit(NewJob()).status();
    EXPECT_TRUE(absl::IsUnavailable(broken));
    // Reads go on.
    EXPECT_EQ(store().MustGet(before.id).state, v1::Job::QUEUED);
  }
  clock_.Advance(absl::Seconds(1));
  const JobRecord after = Submit();
  EXPECT_GE(observer_.reopened, 1);
  EXPECT_EQ(observer_.told, 2);
  EXPECT_EQ(store().Count(v1::Job::QUEUED), 2);
  EXPECT_EQ(store().Outbox(), (std::vector<JobId>{before.id, after.id}));
  CloseStore();
  OpenStore();
  EXPECT_EQ(store().Count(v1::Job::QUEUED), 2);
}

TEST_F(DiskFault, RefusesJobsWhileTheDiskHasTooLittleRoom) {
  CloseStore();
  JobStoreOptions options;
  options.clock = &clock_;
  options.limits.min_free_disk = int64_t{1} << 60;
  auto opened = OpenSqliteJobStore(directory_.path(), std::move(options));
  ASSERT_TRUE(opened.ok());
  store_ = *std::move(opened);
  const absl::Status refused = store().Submit(NewJob()).status();
  EXPECT_TRUE(absl::IsUnavailable(refused));
  EXPECT_EQ(ErrorReason(refused), "STORE_FULL");
  EXPECT_TRUE(ErrorRetryAfter(refused).has_value());
  EXPECT_EQ(store_->Space().refused[Refusal::kDiskLow], 1);
}

TEST_F(DiskFault, OpensNoDatabaseOfANewerBuzzer) {
  CloseStore();
  {
    auto database = Database::Open(directory_.path() + "/buzzer.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok());
    (*database)->Execute("PRAGMA user_version = 999");
    ASSERT_TRUE((*database)->ok());
  }
  JobStoreOptions options;
  const auto opened = OpenSqliteJobStore(directory_.path(), std::move(options));
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status()));
  EXPECT_NE(opened.status().message().find("999"), absl::string_view::npos);
}

TEST(Database, TellsAFullDiskOnlyWhileItIsFull) {
  const testing::TemporaryDirectory directory;
  auto opened = Database::Open(directory.path() + "/test.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(opened.ok());
  Database& database = **opened;
  database.Execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)");
  database.Execute("PRAGMA max_page_count = 4");
  database.Execute("INSERT INTO t (body) VALUES (zeroblob(100000))");
  EXPECT_FALSE(database.ok());
  EXPECT_TRUE(database.full());
  EXPECT_FALSE(database.broken());
  EXPECT_EQ(database.status().message().find("INSERT"), absl::string_view::npos);
  database.ClearStatus();
  EXPECT_FALSE(database.full());
  database.Execute("INSERT INTO t (n) VALUES (1)");
  database.Execute("INSERT INTO t (n) VALUES (1)");
  EXPECT_FALSE(database.ok());
  EXPECT_FALSE(database.full());
}

}  // namespace
}  // namespace buzzer::state
