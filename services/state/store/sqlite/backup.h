// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_BACKUP_H_
#define SERVICES_STATE_STORE_SQLITE_BACKUP_H_

#include <cstdint>
#include <functional>
#include <istream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace buzzer::state {

// Copies the database in `directory`, which a service may be using, as it is at one moment,
// into the new file `copy`, without a word to the disk that it be kept. Blocks for as long as
// the disk takes; readers and the writer go on. UNAVAILABLE if reading or writing fails;
// CANCELLED once `go_on`, asked every few MiB, says no.
absl::Status CopyDatabase(const std::string& directory, const std::string& copy,
                          const std::function<bool()>& go_on);

// Bytes that a copy of the database in `directory` takes, or a little more.
absl::StatusOr<int64_t> CopySize(const std::string& directory);

// What a restored database holds.
struct Restored {
  int64_t jobs = 0;
  // SCHEDULED and QUEUED.
  int64_t waiting = 0;
  // RUNNING and CANCELLING: their leases run out, since no worker knows them.
  int64_t running = 0;
  // When the newest change was made.
  absl::Time newest = absl::InfinitePast();
  // Where the database that was there went; empty if there was none.
  std::string replaced;
};

// Makes a backup the database of `directory`, which no service may be using. Whatever was
// granted and told between the backup and now is not in it, so every job's attempt goes up to
// the seconds since 2025 and its revision to the microseconds since 1970, at least: no attempt
// number is granted twice, and no watcher's revision falls. All or nothing, and synced, whenever it
// is cut short.
//
// FAILED_PRECONDITION if a service runs there, or if there is a database and not `replace`
// (which moves it aside); INVALID_ARGUMENT if the backup is damaged or none; UNAVAILABLE if
// the disk fails.
absl::StatusOr<Restored> RestoreDatabase(std::istream& backup, const std::string& directory,
                                         bool replace);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_BACKUP_H_
