// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Jobs of schema 3, which had seven tables for each, in rows of their own.

#include "services/state/store/sqlite/migrations/one_row.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/state/open_store.h"
#include "services/state/store/sqlite/backup.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/migrations/migrations.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/blocking_store.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {
namespace {

// More than two transactions move.
constexpr int kJobs = 4500;

std::string Text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct OldJob {
  JobRecord job;
  std::string payload;
  std::optional<std::string> result;
  std::vector<HistoryEntry> history;
};

// One of many shapes: every state, large and small payloads and results, long histories, progress,
// labels, keys, deadlines and retries that wait.
OldJob MakeOldJob(int i, absl::Time now) {
  OldJob old;
  JobRecord& job = old.job;
  job.id = JobId::Make(now + absl::Milliseconds(i / 20));
  internal::v1::NewJob spec;
  spec.set_tenant(BlockingStore::kTenant);
  spec.set_type(i % 3 == 0 ? "demo.echo" : "demo.sleep");
  spec.set_queue(i % 4 == 0 ? "photos" : spec.type());
  spec.set_priority(i % 5 == 0 ? v1::Job::HIGH : v1::Job::NORMAL);
  spec.set_payload_content_type("application/json");
  spec.set_max_attempts(5);
  if (i % 6 == 0) (*spec.mutable_labels())["order"] = absl::StrCat(i);
  if (i % 7 == 0) spec.set_idempotency_key(absl::StrCat("key-", i));
  job.queue = spec.queue();
  job.spec = std::make_shared<internal::v1::NewJob>(std::move(spec));
  job.state = static_cast<JobState>(v1::Job::SCHEDULED + i % 7);
  job.updated_at = now + absl::Milliseconds(i);
  old.payload = std::string(i % 11 == 0 ? 5000 : 20, 'p');
  const int lines = i % 13 == 0 ? 40 : 1 + i % 4;
  for (int line = 1; line <= lines; ++line) {
    HistoryEntry entry;
    entry.revision = line;
    entry.time = now + absl::Milliseconds(line);
    entry.state = line == lines ? job.state : v1::Job::QUEUED;
    entry.attempt = line / 2;
    entry.cause = line == 1 ? Cause::kSubmitted : Cause::kHandedBack;
    if (line % 9 == 0) entry.error.emplace().set_reason("SMTP_TIMEOUT");
    job.attempt = entry.attempt;
    job.revision = entry.revision;
    old.history.push_back(std::move(entry));
  }
  if (job.state == v1::Job::QUEUED) {
    job.queue_position = 1'000'000 + i;
    job.queued_at = now + absl::Milliseconds(i);
  }
  if (job.state == v1::Job::SCHEDULED) {
    job.failed_attempts = i % 2;
    job.run_at = now + absl::Hours(1);
    job.retry_delay = absl::Hours(1);
  }
  if (job.state == v1::Job::RUNNING || job.state == v1::Job::CANCELLING) {
    job.lease_id = "lease";
    job.claim_id = "claim";
    job.claim_answer = ClaimAnswer::kGranted;
    job.worker = "worker-1";
    job.started_at = now;
    job.deadline_at = now + absl::Hours(2);
    auto policy = std::make_shared<v1::RetryPolicy>();
    policy->set_factor(3);
    job.handler_retry = std::move(policy);
    job.handler_max_attempts = 7;
    job.queue_position = 500 + i;
    job.progress = ProgressRecord{job.attempt, ++job.revision, 0.5, "half", "", job.updated_at};
  }
  if (IsTerminal(job.state)) {
    job.ended_at = job.updated_at;
    job.purge_at = job.updated_at + absl::Hours(24);
    if (job.state == v1::Job::SUCCEEDED) {
      old.result = std::string(i % 2 == 0 ? 9000 : 30, 'r');
      job.result.emplace().set_content_type("text/plain");
      job.result->set_size(static_cast<int64_t>(old.result->size()));
    } else {
      job.error.emplace().set_reason("GONE");
    }
  }
  return old;
}

class OneRowTest : public ::testing::Test {
 protected:
  OneRowTest() {
    std::filesystem::create_directory(old_);
    auto database = Database::Open(DatabasePath(old_), Database::Mode::kReadWrite);
    EXPECT_TRUE(database.ok()) << database.status();
    for (const char* file : {"0001_initial.sql", "0002_retries.sql", "0003_retry_policies.sql"}) {
      (*database)->Execute(Text(absl::StrCat(BUZZER_MIGRATIONS, "/", file)));
    }
    (*database)->Execute("PRAGMA user_version = 3");
    (*database)->Execute("BEGIN");
    for (int i = 0; i < kJobs; ++i) {
      jobs_.push_back(MakeOldJob(i, clock_.Now()));
      Store(**database, jobs_.back());
    }
    (*database)->Execute("COMMIT");
    EXPECT_TRUE((*database)->ok()) << (*database)->status();
  }

  static void Store(Database& database, const OldJob& old) {
    const JobRecord& job = old.job;
    Statement insert = database.Prepare(
        "INSERT INTO jobs (id, tenant, type, queue, priority, state, revision, attempt,"
        " failed_attempts, stop_cause, retried, claim_id, claim_answer, lease_id, worker, grace,"
        " attempt_timeout, handler_retry, handler_max_attempts, retry_delay, queue_position,"
        " queued_at, updated_at, run_at, started_at, ended_at, deadline_at, purge_at, wake_at,"
        " error, result_type, result_size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, ?10,"
        " ?11, ?12, ?13, 10000000, 0, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,"
        " ?26, ?27, ?28)");
    const std::string policy =
        job.handler_retry != nullptr ? job.handler_retry->SerializeAsString() : "";
    const std::string error = job.error.has_value() ? job.error->SerializeAsString() : "";
    insert.BindBlob(1, job.id.bytes()).BindText(2, job.tenant()).BindText(3, job.type());
    insert.BindText(4, job.queue).Bind(5, int64_t{job.priority()}).Bind(6, int64_t{job.state});
    insert.Bind(7, job.revision).Bind(8, int64_t{job.attempt});
    insert.Bind(9, int64_t{job.failed_attempts}).BindBlob(10, job.claim_id);
    insert.Bind(11, static_cast<int64_t>(job.claim_answer)).BindBlob(12, job.lease_id);
    insert.BindText(13, job.worker);
    if (policy.empty()) {
      insert.BindNull(14);
    } else {
      insert.BindBlob(14, policy);
    }
    insert.Bind(15, int64_t{job.handler_max_attempts});
    insert.Bind(16, absl::ToInt64Microseconds(job.retry_delay)).Bind(17, job.queue_position);
    insert.BindTime(18, job.queued_at).BindTime(19, job.updated_at).BindTime(20, job.run_at);
    insert.BindTime(21, job.started_at).BindTime(22, job.ended_at).BindTime(23, job.deadline_at);
    insert.BindTime(24, job.purge_at).BindTime(25, WakeTime(job));
    if (error.empty()) {
      insert.BindNull(26);
    } else {
      insert.BindBlob(26, error);
    }
    if (job.result.has_value()) {
      insert.BindText(27, job.result->content_type()).Bind(28, job.result->size());
    } else {
      insert.BindNull(27).BindNull(28);
    }
    insert.Run();
    StoreBeside(database, old, database.LastInsertRow());
  }

  // What schema 3 kept in tables of their own.
  static void StoreBeside(Database& database, const OldJob& old, int64_t n) {
    const JobRecord& job = old.job;
    Statement submission =
        database.Prepare("INSERT INTO submissions (n, spec, payload) VALUES (?, ?, ?)");
    const std::string spec = job.spec->SerializeAsString();
    submission.Bind(1, n).BindBlob(2, spec).BindBlob(3, old.payload).Run();
    Statement line = database.Prepare(
        "INSERT INTO history (n, revision, time, state, attempt, cause, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const HistoryEntry& entry : old.history) {
      const std::string error = entry.error.has_value() ? entry.error->SerializeAsString() : "";
      line.Bind(1, n).Bind(2, entry.revision).BindTime(3, entry.time);
      line.Bind(4, int64_t{entry.state}).Bind(5, int64_t{entry.attempt});
      line.BindText(6, CauseName(entry.cause));
      if (error.empty()) {
        line.BindNull(7);
      } else {
        line.BindBlob(7, error);
      }
      line.Run();
    }
    if (job.progress.has_value()) {
      Statement progress = database.Prepare(
          "INSERT INTO progress (n, attempt, revision, fraction, message, data, time)"
          " VALUES (?, ?, ?, ?, ?, x'', ?)");
      progress.Bind(1, n).Bind(2, int64_t{job.progress->attempt}).Bind(3, job.progress->revision);
      progress.Bind(4, job.progress->fraction).BindText(5, job.progress->message);
      progress.BindTime(6, job.progress->time).Run();
    }
    if (old.result.has_value()) {
      Statement result =
          database.Prepare("INSERT INTO results (n, content_type, body) VALUES (?, ?, ?)");
      result.Bind(1, n).BindText(2, job.result->content_type()).BindBlob(3, *old.result).Run();
    }
    if (const std::string& key = job.spec->idempotency_key(); !key.empty()) {
      Statement keys = database.Prepare(
          "INSERT INTO idempotency_keys (tenant, key, hash, hash_version, id)"
          " VALUES ('default', ?, x'00', 1, ?)");
      keys.BindText(1, key).BindBlob(2, job.id.bytes()).Run();
    }
    if (job.state == v1::Job::QUEUED) {
      Statement outbox = database.Prepare("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)");
      outbox.BindText(1, job.queue).Bind(2, int64_t{job.priority()}).Bind(3, job.queue_position);
      outbox.BindBlob(4, job.id.bytes()).BindText(5, job.type()).BindTime(6, *job.queued_at).Run();
    }
    Statement count = database.Prepare(
        "INSERT INTO counts VALUES (?, 'default', ?, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1");
    count.BindText(1, job.queue).Bind(2, int64_t{job.state}).Run();
  }

  // A copy of the old database in which schema 4 was begun and `steps` transactions moved jobs,
  // when the process ended. Whether they were all that there are.
  bool StopAfter(int steps, const std::string& directory) {
    std::filesystem::copy(old_, directory, std::filesystem::copy_options::recursive);
    auto database = Database::Open(DatabasePath(directory), Database::Mode::kReadWrite);
    EXPECT_TRUE(database.ok()) << database.status();
    (*database)->Execute("BEGIN");
    (*database)->Execute(Text(absl::StrCat(BUZZER_MIGRATIONS, "/0004_one_row.sql")));
    (*database)->Execute("PRAGMA user_version = 4");
    (*database)->Execute("COMMIT");
    bool done = false;
    for (int i = 0; i < steps; ++i) {
      const auto moved = MoveSomeJobs(**database);
      EXPECT_TRUE(moved.ok()) << moved.status();
      done = moved->done;
    }
    return done;
  }

  std::unique_ptr<JobStore> Open(const std::string& directory) const {
    JobStoreOptions options;
    options.clock = &clock_;
    options.limits.min_free_disk = 0;
    auto opened = OpenSqliteJobStore(directory, std::move(options));
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  void ExpectAllJobsIn(const std::string& directory) {
    const std::unique_ptr<JobStore> opened = Open(directory);
    ASSERT_NE(opened, nullptr);
    const BlockingStore store(opened.get());
    for (const OldJob& old : jobs_) {
      const FullJob full = *testing::Await<FullJob>(
          [&](const auto& done) { opened->GetFull(BlockingStore::kTenant, old.job.id, done); });
      ASSERT_EQ(ToProto(full.job).DebugString(), ToProto(old.job).DebugString());
      EXPECT_EQ(full.job.lease_id, old.job.lease_id);
      EXPECT_EQ(full.job.claim_id, old.job.claim_id);
      EXPECT_EQ(full.job.queue_position, old.job.queue_position);
      EXPECT_EQ(full.payload, old.payload);
      ASSERT_EQ(full.history.size(), old.history.size());
      for (size_t i = 0; i < full.history.size(); ++i) {
        EXPECT_EQ(ToProto(full.history[i]).DebugString(), ToProto(old.history[i]).DebugString());
      }
      if (!old.result.has_value()) continue;
      const auto result = testing::Await<StoredResult>(
          [&](const auto& done) { opened->GetResult(BlockingStore::kTenant, old.job.id, done); });
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->body, *old.result);
    }
    ExpectIndexesOf(store);
  }

  // Lists, labels, lanes and counts find them.
  void ExpectIndexesOf(const BlockingStore& store) {
    int64_t queued = 0;
    for (const OldJob& old : jobs_) queued += old.job.state == v1::Job::QUEUED ? 1 : 0;
    int64_t counted = 0;
    for (const QueueCounts& row : store.Counts()) counted += row.by_state[v1::Job::QUEUED];
    EXPECT_EQ(counted, queued);
    int64_t in_lanes = 0;
    for (const char* queue : {"photos", "demo.echo", "demo.sleep"}) {
      for (const auto priority : {v1::Job::HIGH, v1::Job::NORMAL}) {
        in_lanes += static_cast<int64_t>(store.ReadOutbox({queue, priority}, 0, kJobs).size());
      }
    }
    EXPECT_EQ(in_lanes, queued);
    ListQuery query;
    query.labels = {{"order", "60"}};
    const ListPage page = store.List(query);
    ASSERT_EQ(page.jobs.size(), 1u);
    EXPECT_EQ(page.jobs[0].id, jobs_[60].job.id);
  }

  testing::FakeClock clock_;
  testing::TemporaryDirectory directory_;
  const std::string old_ = directory_.path() + "/old";
  std::vector<OldJob> jobs_;
};

TEST_F(OneRowTest, KeepsEverythingOfEveryJob) { ExpectAllJobsIn(old_); }

TEST_F(OneRowTest, GoesOnWhereItWasStoppedBetweenAnyTwoSteps) {
  bool done = false;
  int steps = 0;
  for (; !done; ++steps) {
    const std::string stopped = absl::StrCat(directory_.path(), "/stopped-", steps);
    done = StopAfter(steps, stopped);
    ExpectAllJobsIn(stopped);
    std::filesystem::remove_all(stopped);
  }
  // None, each of the three that move jobs, and that which drops the old tables.
  EXPECT_EQ(steps, 5);
}

TEST_F(OneRowTest, RestoresABackupOfBefore) {
  {
    auto database = Database::Open(DatabasePath(old_), Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    (*database)->EmptyLog();
  }
  const std::string restored = directory_.path() + "/restored";
  std::filesystem::create_directory(restored);
  std::ifstream backup(DatabasePath(old_), std::ios::binary);
  const auto told = RestoreDatabase(backup, restored, /*replace=*/false);
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->jobs, kJobs);
  const std::unique_ptr<JobStore> store = Open(restored);
  ASSERT_NE(store, nullptr);
  // Numbers go on above all that there were; the rest is as it was.
  for (const OldJob& old : jobs_) {
    const FullJob full = *testing::Await<FullJob>(
        [&](const auto& done) { store->GetFull(BlockingStore::kTenant, old.job.id, done); });
    ASSERT_GT(full.job.attempt, old.job.attempt);
    ASSERT_GT(full.job.revision, old.job.revision);
    EXPECT_EQ(full.job.state, old.job.state);
    EXPECT_EQ(full.payload, old.payload);
    ASSERT_EQ(full.history.size(), old.history.size() + 1);
    EXPECT_EQ(full.history.back().cause, Cause::kRestored);
    EXPECT_EQ(full.history.back().revision, full.job.revision);
  }
}

TEST_F(OneRowTest, LosesNothingOfATransactionThatDidNotEnd) {
  const std::string stopped = directory_.path() + "/stopped";
  StopAfter(1, stopped);
  {
    auto database = Database::Open(DatabasePath(stopped), Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    (*database)->Execute("BEGIN IMMEDIATE");
    (*database)->Execute("DELETE FROM old_jobs");
    (*database)->Execute("DELETE FROM jobs");
  }  // And with it the transaction.
  ExpectAllJobsIn(stopped);
}

}  // namespace
}  // namespace buzzer::state
