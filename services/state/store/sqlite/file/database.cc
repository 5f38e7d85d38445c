// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/database.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/fault_points/fault_points.h"

namespace buzzer::state {

std::string DatabasePath(const std::string& directory) {
  return absl::StrCat(directory, "/buzzer.db");
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  // Nobody reads SQLite's statistics of memory, and their lock would be taken at every
  // allocation. Refused once SQLite is in use, which harms nothing.
  static const int kConfigured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(kConfigured);
  sqlite3* handle = nullptr;
  const int flags =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) {
    return absl::UnavailableError(
        absl::StrCat("cannot open the database ", path, ": ", sqlite3_errstr(code)));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
  if (mode == Mode::kReadWrite) {
    database->Execute("PRAGMA journal_mode = WAL");
    // FULL: a commit is on disk before it is answered.
    database->Execute("PRAGMA synchronous = FULL");
    // Planted bug, never in a real build.
    if (BUZZER_PLANTED("commit_without_fsync")) database->Execute("PRAGMA synchronous = OFF");
    // 16 MiB of log. The same pages are written by commit after commit: the longer the log,
    // the fewer of them are copied into the database file.
    database->Execute("PRAGMA wal_autocheckpoint = 4000");
    // A commit that has renumbered pages, as balancing a tree does, looks through the whole cache
    // (SQLite 3.40, pcache1Truncate), so it is no larger than it has to be: jobs of one time lie
    // side by side.
    database->Execute("PRAGMA cache_size = -8192");
  } else if (mode == Mode::kReadOnly) {
    database->Execute("PRAGMA cache_size = -8192");
  } else {
    database->Execute("PRAGMA journal_mode = OFF");
    database->Execute("PRAGMA synchronous = OFF");
  }
  database->Execute("PRAGMA temp_store = MEMORY");
  if (!database->ok()) return database->status();
  return database;
}

Database::~Database() { sqlite3_close(handle_); }

void Database::Fail(int code) {
  if (!status_.ok()) return;
  const int primary = code & 0xff;
  if (primary == SQLITE_FULL) full_ = true;
  if (primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_CANTOPEN ||
      primary == SQLITE_NOTADB) {
    broken_ = true;
  }
  status_ = absl::UnavailableError(
      absl::StrCat("the database failed: ", sqlite3_errstr(code), " (", code, ")"));
}

void Database::Execute(const std::string& sql) {
  if (!status_.ok()) return;
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) Fail(code);
}

void Database::ProveDisk() {
  // Writes the first page even if nothing in it changes. The number is "Buzz".
  Execute("PRAGMA application_id = 1114995322");
}

void Database::EmptyLog() {
  if (!status_.ok()) return;
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) Fail(code);
}

absl::Status Database::CopyTo(Database& to, const std::function<bool()>& go_on) {
  constexpr int kPagesAtOnce = 1024;
  // Keeps the moment: otherwise each commit between two steps would make it begin again.
  Execute("BEGIN");
  Execute("SELECT 1 FROM sqlite_master");
  if (!ok()) return status_;
  sqlite3_backup* copying = sqlite3_backup_init(to.handle_, "main", handle_, "main");
  if (copying == nullptr) {
    to.Fail(sqlite3_extended_errcode(to.handle_));
    return to.status_;
  }
  int code = SQLITE_OK;
  while (code == SQLITE_OK && go_on()) code = sqlite3_backup_step(copying, kPagesAtOnce);
  sqlite3_backup_finish(copying);
  Execute("COMMIT");
  if (code == SQLITE_DONE) return absl::OkStatus();
  if (code == SQLITE_OK) return absl::CancelledError("nobody waits for the copy any more");
  to.Fail(code);
  return to.status_;
}

Statement Database::Prepare(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) Fail(code);
  return Statement(this, statement);
}

int64_t Database::LastInsertRow() const { return sqlite3_last_insert_rowid(handle_); }

bool Database::Changed() const { return sqlite3_changes(handle_) > 0; }

void Database::Refuse(absl::string_view why) {
  if (status_.ok()) status_ = absl::InternalError(why);
}

Statement::Statement(Statement&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      handle_(std::exchange(other.handle_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(handle_, other.handle_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::Bind(int index, int64_t value) {
  sqlite3_bind_int64(handle_, index, value);
  return *this;
}

Statement& Statement::Bind(int index, double value) {
  sqlite3_bind_double(handle_, index, value);
  return *this;
}

Statement& Statement::BindText(int index, absl::string_view value) {
  sqlite3_bind_text64(handle_, index, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, absl::string_view value) {
  sqlite3_bind_blob64(handle_, index, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string&& temporary) {
  sqlite3_bind_blob64(handle_, index, temporary.data(), temporary.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindNull(int index) {
  sqlite3_bind_null(handle_, index);
  return *this;
}

Statement& Statement::BindTime(int index, absl::Time value) {
  return Bind(index, absl::ToUnixMicros(value));
}

Statement& Statement::BindTime(int index, const std::optional<absl::Time>& value) {
  return value.has_value() ? BindTime(index, *value) : BindNull(index);
}

bool Statement::Step() {
  if (handle_ == nullptr || !database_->ok()) {
    Reset();
    return false;
  }
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  Reset();
  if (code != SQLITE_DONE) database_->Fail(code);
  return false;
}

void Statement::Run() {
  while (Step()) {
  }
}

void Statement::Reset() { sqlite3_reset(handle_); }

int64_t Statement::Int(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::Double(int column) const { return sqlite3_column_double(handle_, column); }

absl::string_view Statement::Bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

absl::Time Statement::Time(int column) const { return absl::FromUnixMicros(Int(column)); }

std::optional<absl::Time> Statement::OptionalTime(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Time(column);
}

}  // namespace buzzer::state
