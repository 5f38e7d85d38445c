// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/migrations/migrations.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log/log.h"
#include "services/state/store/sqlite/migrations/migrations_embedded.h"
#include "services/state/store/sqlite/migrations/one_row.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kTellInterval = absl::Seconds(5);

// What the newest schema needs beside SQL.
absl::Status MoveJobs(Database& database) {
  int64_t jobs = 0;
  absl::Time told_at = absl::Now();
  while (true) {
    const absl::StatusOr<MovedJobs> moved = MoveSomeJobs(database);
    if (!moved.ok()) return moved.status();
    jobs += moved->jobs;
    // Whoever waits for the start sees that it goes on.
    const bool tell = moved->done ? jobs > 0 : absl::Now() - told_at >= kTellInterval;
    if (tell) {
      told_at = absl::Now();
      log::Info("jobs_moved", {{"jobs", jobs}, {"done", moved->done}});
    }
    if (moved->done) return absl::OkStatus();
  }
}

}  // namespace

absl::Status Migrate(Database& database) {
  int64_t version = 0;
  {
    Statement read = database.Prepare("PRAGMA user_version");
    if (read.Step()) version = read.Int(0);
    read.Reset();
  }
  if (!database.ok()) return database.status();
  const auto newest = static_cast<int64_t>(std::size(kMigrations));
  if (version > newest) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database has schema ", version, ", this program knows up to ", newest,
                     "; run the Buzzer that wrote it, or a newer one"));
  }
  for (; version < newest; ++version) {
    database.Execute("BEGIN IMMEDIATE");
    database.Execute(kMigrations[version]);
    database.Execute(absl::StrCat("PRAGMA user_version = ", version + 1));
    database.Execute("COMMIT");
    if (!database.ok()) return database.status();
    log::Info("schema_migrated", {{"version", version + 1}});
  }
  return MoveJobs(database);
}

}  // namespace buzzer::state
