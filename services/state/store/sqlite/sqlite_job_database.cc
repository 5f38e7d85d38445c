// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/sqlite_job_database.h"

#include <optional>
#include <utility>

#include "common/log/log.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/file/directory_lock.h"
#include "services/state/store/sqlite/file/disk_waker.h"
#include "services/state/store/sqlite/file/free_disk.h"
#include "services/state/store/sqlite/migrations/migrations.h"
#include "services/state/store/sqlite/sqlite_job_queries.h"
#include "services/state/store/sqlite/sqlite_job_rows.h"

namespace buzzer::state {
namespace {

// After a failed fsync the page cache shows bytes that no later fsync writes: a commit
// built upon them would be gone with the next power cut, though its own fsync was fine.
// So what an earlier connection or process left in the log is never built upon: it is
// copied into the database file, which writes and syncs it anew, and the log starts
// empty. After a fault a commit comes first: it takes the place of the one in doubt,
// which from then on is surely absent, and shows whether the disk works again.
absl::Status SettleLog(Database& database, bool after_fault) {
  if (after_fault) database.ProveDisk();
  database.EmptyLog();
  if (!database.ok() && !database.broken() && !after_fault) {
    // A full disk serves reads, and takes writes once there is space; and who reads the
    // file from outside does not keep us from starting.
    log::Warning("log_not_emptied", {{"error", database.status().message()}});
    database.ClearStatus();
  }
  return database.status();
}

class SqliteJobDatabase final : public JobDatabase {
 public:
  SqliteJobDatabase(std::string directory, std::unique_ptr<DirectoryLock> lock)
      : directory_(std::move(directory)), lock_(std::move(lock)), disk_(directory_) {}

  absl::StatusOr<std::unique_ptr<JobRows>> OpenRows(bool after_fault) override {
    auto database = Database::Open(DatabasePath(directory_), Database::Mode::kReadWrite);
    if (!database.ok()) return database.status();
    if (absl::Status migrated = Migrate(**database); !migrated.ok()) return migrated;
    if (absl::Status settled = SettleLog(**database, after_fault); !settled.ok()) return settled;
    auto rows = std::make_unique<SqliteJobRows>(*std::move(database));
    if (!rows->status().ok()) return rows->status();
    return rows;
  }

  absl::StatusOr<std::unique_ptr<JobQueries>> OpenQueries() override {
    auto database = Database::Open(DatabasePath(directory_), Database::Mode::kReadOnly);
    if (!database.ok()) return database.status();
    return std::make_unique<SqliteJobQueries>(*std::move(database));
  }

  std::optional<int64_t> FreeSpace() const override { return FreeDisk(directory_); }

  void ExpectWrite(absl::Duration now) override { disk_.WakeIfRested(now); }

 private:
  const std::string directory_;
  const std::unique_ptr<DirectoryLock> lock_;
  DiskWaker disk_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobDatabase>> OpenSqliteJobDatabase(std::string directory) {
  auto lock = DirectoryLock::Acquire(directory);
  if (!lock.ok()) return lock.status();
  return std::make_unique<SqliteJobDatabase>(std::move(directory), *std::move(lock));
}

}  // namespace buzzer::state
