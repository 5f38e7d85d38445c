// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_FILE_DATABASE_H_
#define SERVICES_STATE_STORE_SQLITE_FILE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace buzzer::state {

class Statement;

// The file of the store in `directory`.
std::string DatabasePath(const std::string& directory);

// One SQLite connection. Errors stick: after a statement failed, the rest of the
// transaction does nothing and `status()` says why, so callers check once, before
// the commit. Lives on one thread.
class Database {
 public:
  // kReadWrite creates the file if need be, in WAL mode with synchronous=FULL; kScratch takes
  // one that is new, and does not ask the disk to keep it.
  enum class Mode { kReadWrite, kReadOnly, kScratch };

  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs statements that give no rows.
  void Execute(const std::string& sql);

  // Commits a change, of no meaning, of its own: whether the disk takes and keeps anything.
  void ProveDisk();
  // Copies everything committed from the log into the database file, synced, and empties
  // the log. Waits for readers, some seconds at most.
  void EmptyLog();

  // `sql` must outlive nothing; the statement must not outlive the database.
  Statement Prepare(absl::string_view sql);

  // The first error since the last ClearStatus. The message names the SQLite error,
  // never SQL or values.
  const absl::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  void ClearStatus() {
    status_ = absl::OkStatus();
    full_ = false;
  }

  // Whether the error was that the disk, or a quota, is full.
  bool full() const { return full_; }
  // Whether the error was of input or output: what was written is in doubt, and this
  // connection is not to be trusted any more.
  bool broken() const { return broken_; }

  // Makes `to`, which must be new, a copy of this as it is at one moment. For as long as the
  // disk takes; writers on other connections go on. The error, if any, is `to`'s or ours;
  // CANCELLED once `go_on`, asked every 4 MiB, says no.
  absl::Status CopyTo(Database& to, const std::function<bool()>& go_on);

  int64_t LastInsertRow() const;
  // Whether the last statement that wrote changed any row.
  bool Changed() const;
  // Makes the transaction fail for a reason of the caller's own.
  void Refuse(absl::string_view why);

 private:
  friend class Statement;
  explicit Database(sqlite3* handle) : handle_(handle) {}
  void Fail(int code);

  sqlite3* const handle_;
  absl::Status status_;
  bool full_ = false;
  bool broken_ = false;
};

// A prepared statement, used again and again:
//   statement.Bind(1, a); statement.Bind(2, b); while (statement.Step()) {...}
// Step resets it when there are no more rows. Lives on the database's thread.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters count from 1. Blobs and texts are not copied, and must be there until the last
  // Step; but a temporary blob is. (A temporary text does not compile; beware of a view of one.)
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, double value);
  Statement& BindText(int index, absl::string_view value);
  Statement& BindText(int index, std::string&& temporary) = delete;
  Statement& BindBlob(int index, absl::string_view value);
  Statement& BindBlob(int index, std::string&& temporary);
  Statement& BindNull(int index);
  Statement& BindTime(int index, absl::Time value);
  Statement& BindTime(int index, const std::optional<absl::Time>& value);

  // True if there is a row; false at the end and on an error (see
  // Database::status).
  bool Step();
  // Steps to the end: for statements without rows.
  void Run();
  // Ends a query whose remaining rows are not wanted.
  void Reset();

  // Columns count from 0; valid until the next Step.
  int64_t Int(int column) const;
  double Double(int column) const;
  absl::string_view Bytes(int column) const;
  std::string String(int column) const { return std::string(Bytes(column)); }
  bool IsNull(int column) const;
  absl::Time Time(int column) const;
  std::optional<absl::Time> OptionalTime(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* handle) : database_(database), handle_(handle) {}

  Database* database_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_FILE_DATABASE_H_
