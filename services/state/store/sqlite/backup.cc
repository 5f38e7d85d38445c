// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "common/job_state/job_state.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/file/directory_lock.h"
#include "services/state/store/sqlite/migrations/migrations.h"
#include "services/state/store/sqlite/rows/job_reader.h"
#include "services/state/store/sqlite/rows/job_writer.h"

namespace buzzer::state {
namespace {

// The year's first second. Attempts go on from the seconds since then, which takes their 32 bits
// until 2093.
constexpr absl::CivilSecond kEpoch(2025, 1, 1, 0, 0, 0);

constexpr const char* kLogs[] = {"-wal", "-shm"};

absl::Status SystemError(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(error)));
}

absl::Status NoBackup(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("this is no whole backup of a Buzzer database: ", why));
}

absl::Status Sync(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(absl::StrCat("cannot open ", path), errno);
  const absl::Cleanup close_it = [fd] { close(fd); };
  if (fsync(fd) != 0) return SystemError(absl::StrCat("cannot sync ", path), errno);
  return absl::OkStatus();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return SystemError(absl::StrCat("cannot rename ", from, " to ", to), errno);
}

// With its logs.
void Remove(const std::string& database) {
  std::error_code none;
  std::filesystem::remove(database, none);
  for (const char* log : kLogs) std::filesystem::remove(absl::StrCat(database, log), none);
}

// Gives what is there a second name, and takes logs away: one that is left would be taken for
// that of the file that comes in its place. Returns the name.
absl::StatusOr<std::string> KeepOld(const std::string& path) {
  std::string name = absl::StrCat(path, ".replaced-", absl::ToUnixMicros(absl::Now()));
  if (std::filesystem::exists(path)) {
    if (auto old = Database::Open(path, Database::Mode::kReadWrite); old.ok()) {
      (*old)->EmptyLog();
      // Without its log it would be an older one, if we were killed before the last step.
      if (!(*old)->ok() && !(*old)->broken()) return (*old)->status();
    }  // Else it is damaged, and no service starts on it with its log either.
    if (link(path.c_str(), name.c_str()) != 0) {
      return SystemError(absl::StrCat("cannot keep the old database as ", name), errno);
    }
  }
  for (const char* log : kLogs) {
    const std::string left = absl::StrCat(path, log);
    if (!std::filesystem::exists(left)) continue;
    if (absl::Status moved = Rename(left, absl::StrCat(name, log)); !moved.ok()) return moved;
  }
  return name;
}

// Whether there is a database, or what is left of one.
bool IsThere(const std::string& path) {
  return std::filesystem::exists(path) ||
         std::any_of(std::begin(kLogs), std::end(kLogs), [&](const char* log) {
           return std::filesystem::exists(absl::StrCat(path, log));
         });
}

absl::Status Write(std::istream& from, const std::string& path) {
  std::ofstream to(path, std::ios::binary | std::ios::trunc);
  if (from.peek() == std::istream::traits_type::eof()) return NoBackup("it is empty");
  to << from.rdbuf();
  to.close();
  if (!to) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  return absl::OkStatus();
}

absl::Status Check(Database& database) {
  std::string verdict;
  Statement check = database.Prepare("PRAGMA quick_check(1)");
  if (check.Step()) verdict = check.String(0);
  check.Reset();
  if (!database.ok()) return NoBackup(database.status().message());
  if (verdict != "ok") return NoBackup(verdict);
  Statement tables =
      database.Prepare("SELECT 1 FROM sqlite_master WHERE name = 'idempotency_keys'");
  const bool ours = tables.Step();
  tables.Reset();
  return ours ? absl::OkStatus() : NoBackup("it is a database of something else");
}

// The next jobs behind a row.
std::vector<JobId> FindSome(Database& database, int64_t after) {
  std::vector<JobId> jobs;
  Statement next = database.Prepare("SELECT id FROM jobs WHERE row > ? ORDER BY row LIMIT 1000");
  next.Bind(1, after);
  while (next.Step()) jobs.push_back(JobId::FromBytes(next.Bytes(0)).value_or(JobId()));
  return jobs;
}

void Count(const JobRecord& job, Restored* restored) {
  ++restored->jobs;
  if (IsWaiting(job.state)) ++restored->waiting;
  if (IsActive(job.state)) ++restored->running;
  restored->newest = std::max(restored->newest, job.updated_at);
}

void RaiseFloor(JobRow& row, int64_t attempt, absl::Time now) {
  JobRecord& job = row.job;
  const auto raised = [attempt](int32_t before) {
    return static_cast<int32_t>(std::max<int64_t>(before + int64_t{1}, attempt));
  };
  // Progress stays that of the newest attempt, where it was.
  if (job.progress.has_value() && job.progress->attempt == job.attempt) {
    job.progress->attempt = raised(job.attempt);
  }
  job.attempt = raised(job.attempt);
  job.revision = std::max(job.revision + 1, absl::ToUnixMicros(now));
  row.history.Append({job.revision, now, job.state, job.attempt, Cause::kRestored, std::nullopt});
}

// To numbers that time itself raises: so they are above all that was granted or told since the
// backup, whether or not that was after an earlier restore of it.
Restored RaiseFloors(Database& database) {
  const absl::Time now = absl::Now();
  const int64_t attempt = absl::ToInt64Seconds(now - absl::FromCivil(kEpoch, absl::UTCTimeZone()));
  Restored restored;
  restored.newest = absl::InfinitePast();
  JobReader reader(&database);
  JobWriter writer(&database);
  database.Execute("BEGIN IMMEDIATE");
  for (std::vector<JobId> some = FindSome(database, -1); !some.empty();
       some = FindSome(database, reader.FindNumber(some.back()))) {
    for (const JobId& id : some) {
      std::optional<JobRow> row = reader.Find(id);
      if (!row.has_value()) continue;
      Count(row->job, &restored);
      RaiseFloor(*row, attempt, now);
      JobWrite write;
      write.row = &*row;
      write.changed = true;
      write.progressed = row->job.progress.has_value();
      writer.Write(write);
    }
  }
  database.Execute("COMMIT");
  return restored;
}

// Makes of the bytes in `path` a database that a service can go on with.
absl::StatusOr<Restored> Prepare(const std::string& path) {
  auto database = Database::Open(path, Database::Mode::kReadWrite);
  if (!database.ok()) return NoBackup(database.status().message());
  if (absl::Status whole = Check(**database); !whole.ok()) return whole;
  if (absl::Status migrated = Migrate(**database); !migrated.ok()) return migrated;
  Restored restored = RaiseFloors(**database);
  (*database)->EmptyLog();
  if (!(*database)->ok()) return (*database)->status();
  return restored;
}

}  // namespace

absl::StatusOr<int64_t> CopySize(const std::string& directory) {
  int64_t size = 0;
  std::error_code error;
  const std::string path = DatabasePath(directory);
  for (const std::string& file : {path, absl::StrCat(path, "-wal")}) {
    const auto bytes = std::filesystem::file_size(file, error);
    if (!error) size += static_cast<int64_t>(bytes);
  }
  if (size == 0) return absl::UnavailableError(absl::StrCat("cannot look at ", path));
  return size;
}

absl::Status CopyDatabase(const std::string& directory, const std::string& copy,
                          const std::function<bool()>& go_on) {
  auto from = Database::Open(DatabasePath(directory), Database::Mode::kReadOnly);
  if (!from.ok()) return from.status();
  auto to = Database::Open(copy, Database::Mode::kScratch);
  if (!to.ok()) return to.status();
  return (*from)->CopyTo(**to, go_on);
}

absl::StatusOr<Restored> RestoreDatabase(std::istream& backup, const std::string& directory,
                                         bool replace) {
  auto lock = DirectoryLock::Acquire(directory);
  if (!lock.ok()) return lock.status();
  const std::string path = DatabasePath(directory);
  const bool there = IsThere(path);
  if (there && !replace) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is a database in ", directory, " already; --replace moves it aside"));
  }
  const std::string made = absl::StrCat(path, ".restoring");
  Remove(made);
  const absl::Cleanup remove_it = [&made] { Remove(made); };
  if (absl::Status written = Write(backup, made); !written.ok()) return written;
  absl::StatusOr<Restored> restored = Prepare(made);
  if (!restored.ok()) return restored;
  if (absl::Status synced = Sync(made); !synced.ok()) return synced;
  if (there) {
    auto kept = KeepOld(path);
    if (!kept.ok()) return kept.status();
    restored->replaced = *std::move(kept);
  }
  if (absl::Status moved = Rename(made, path); !moved.ok()) return moved;
  if (absl::Status synced = Sync(directory); !synced.ok()) return synced;
  return restored;
}

}  // namespace buzzer::state
