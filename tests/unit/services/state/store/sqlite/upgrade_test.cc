// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// A database that an earlier Buzzer wrote, opened by this one.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/frontend/validation.h"
#include "services/state/open_store.h"
#include "services/state/store/sqlite/file/database.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/blocking_store.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {
namespace {

// Of `{"type": "demo.sleep", "payload": {"seconds": 45, "steps": 9}}`, as the frontend made it
// before requests had retry policies.
constexpr char kOldHash[] = "3ea5437681a8a9e573fb54a741a4ce7c67b5acbad4173c3afbe628f0c21cabe9";

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class UpgradeTest : public ::testing::Test {
 protected:
  UpgradeTest() {
    auto database = Database::Open(DatabasePath(directory_.path()), Database::Mode::kReadWrite);
    EXPECT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    for (const char* migration : {"0001_initial.sql", "0002_retries.sql"}) {
      database_->Execute(Read(absl::StrCat(BUZZER_MIGRATIONS, "/", migration)));
    }
    database_->Execute("PRAGMA user_version = 2");
  }

  // A job as schema 2 keeps it: every frontend before filled in five attempts.
  JobId Store(v1::Job::State job_state, int failed_attempts, absl::Duration run_in,
              const std::string& key) {
    const JobId id = JobId::Make(clock_.Now());
    internal::v1::NewJob spec;
    spec.set_tenant(BlockingStore::kTenant);
    spec.set_type("demo.sleep");
    spec.set_queue("demo.sleep");
    spec.set_priority(v1::Job::NORMAL);
    spec.set_payload_is_json(true);
    spec.set_payload_content_type("application/json");
    spec.set_max_attempts(5);
    spec.set_idempotency_key(key);
    spec.set_request_hash_version(1);
    Statement job = database_->Prepare(
        "INSERT INTO jobs (id, tenant, type, queue, priority, state, revision, attempt,"
        " failed_attempts, stop_cause, retried, claim_id, claim_answer, lease_id, worker, grace,"
        " attempt_timeout, queue_position, updated_at, run_at, wake_at) VALUES (?1, 'default',"
        " 'demo.sleep', 'demo.sleep', 2, ?2, 1, ?3, ?3, 0, 0, x'', 0, x'', '', 10000000, 0, 1,"
        " ?4, ?5, ?5)");
    job.BindBlob(1, id.bytes()).Bind(2, int64_t{job_state}).Bind(3, int64_t{failed_attempts});
    job.BindTime(4, clock_.Now()).BindTime(5, clock_.Now() + run_in).Run();
    const int64_t row = database_->LastInsertRow();
    Statement submission =
        database_->Prepare("INSERT INTO submissions (n, spec, payload) VALUES (?, ?, '{}')");
    submission.Bind(1, row).BindBlob(2, spec.SerializeAsString()).Run();
    Statement count = database_->Prepare(
        "INSERT INTO counts VALUES ('demo.sleep', 'default', ?1, 1) ON CONFLICT DO UPDATE SET"
        " jobs = jobs + 1");
    count.Bind(1, int64_t{job_state}).Run();
    if (!key.empty()) {
      Statement keys = database_->Prepare(
          "INSERT INTO idempotency_keys (tenant, key, hash, hash_version, id)"
          " VALUES ('default', ?, ?, 1, ?)");
      keys.BindText(1, key).BindBlob(2, absl::HexStringToBytes(kOldHash)).BindBlob(3, id.bytes());
      keys.Run();
    }
    EXPECT_TRUE(database_->ok()) << database_->status();
    return id;
  }

  // The new Buzzer starts.
  void Upgrade() {
    database_.reset();
    JobStoreOptions options;
    options.clock = &clock_;
    options.jitter = [] { return 0.0; };
    options.limits.min_free_disk = 0;
    auto opened = OpenSqliteJobStore(directory_.path(), std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  BlockingStore store() const { return BlockingStore(store_.get()); }

  testing::FakeClock clock_;
  testing::TemporaryDirectory directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(UpgradeTest, GivesARepeatOfAnOldRequestItsOldJob) {
  const JobId id = Store(v1::Job::SCHEDULED, 0, absl::Hours(1), "order-4711");
  Upgrade();
  v1::SubmitJobRequest request;
  request.set_type("demo.sleep");
  request.set_idempotency_key("order-4711");
  auto& fields = *request.mutable_payload()->mutable_struct_value()->mutable_fields();
  fields["seconds"].set_number_value(45);
  fields["steps"].set_number_value(9);
  const auto repeat = [&] {
    frontend::SubmitContext context;
    context.tenant = BlockingStore::kTenant;
    context.id = JobId::Make(clock_.Now());
    context.now = clock_.Now();
    auto job = frontend::MakeNewJob(request, context);
    EXPECT_TRUE(job.ok()) << job.status();
    job->set_queue("demo.sleep");
    return store().Submit(*std::move(job));
  };
  const auto same = repeat();
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->id, id);
  // One that asks for a policy is another request.
  request.mutable_retry()->set_factor(2);
  EXPECT_TRUE(absl::IsAlreadyExists(repeat().status()));
}

TEST_F(UpgradeTest, LeavesAnOldJobItsAllowanceAndGivesItTheDefaultDelays) {
  const JobId id = Store(v1::Job::SCHEDULED, 1, absl::Milliseconds(700), "");
  Upgrade();
  const v1::Job shown = ToProto(store().MustGet(id));
  EXPECT_EQ(shown.max_attempts(), 5);
  EXPECT_FALSE(shown.has_retry());
  EXPECT_EQ(store().MustGet(id).retry().initial_delay().seconds(), 2);
  EXPECT_EQ(store().MustGet(id).retry().max_delay().seconds(), 600);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(store().RunTimers().changed, 1);
  ASSERT_TRUE(store().Fail(store().MustClaim(id), true));
  EXPECT_EQ(store().MustGet(id).run_at, clock_.Now() + absl::Seconds(4));
}

TEST_F(UpgradeTest, LetsAnOldRetryWaitNoLongerThanItMightHave) {
  // The wall clock went back by an hour while the old one was being stopped.
  const JobId second = Store(v1::Job::SCHEDULED, 2, absl::Hours(1), "");
  const JobId tenth = Store(v1::Job::SCHEDULED, 10, absl::Hours(1), "");
  const JobId delayed = Store(v1::Job::SCHEDULED, 0, absl::Hours(1), "");
  Upgrade();
  // Its grace, or what two and ten failures allowed.
  EXPECT_EQ(store().MustGet(second).run_at, clock_.Now() + absl::Seconds(10));
  EXPECT_EQ(store().MustGet(tenth).run_at, clock_.Now() + absl::Seconds(512));
  EXPECT_EQ(store().MustGet(delayed).run_at, clock_.Now() + absl::Hours(1));
}

}  // namespace
}  // namespace buzzer::state
