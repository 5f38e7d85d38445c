// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/support/direct_store.h"

#include <utility>

#include "services/state/store/sqlite/database.h"
#include "services/state/store/sqlite/migrations.h"
#include "tests/fuzz/support/check.h"

namespace buzzer::state {
namespace {

template <typename T>
void Answer(JobStore::Callback<T>& done, absl::StatusOr<T> value) {
  done(std::move(value));
}
template <typename T>
void Answer(JobStore::Callback<T>& done, T value) {
  done(absl::StatusOr<T>(std::move(value)));
}

}  // namespace

DirectStore::DirectStore(const Clock* clock) {
  const std::string path = DatabasePath(directory_.path());
  auto database = Database::Open(path, Database::Mode::kReadWrite);
  FUZZ_CHECK(database.ok());
  FUZZ_CHECK(Migrate(**database).ok());
  AdmissionLimits limits;
  limits.min_free_disk = 0;
  writer_ = std::make_unique<StoreWriter>(
      *std::move(database), directory_.path(), clock, [] { return 0.0; }, limits, &counts_,
      &refused_);
  FUZZ_CHECK(writer_->status().ok());
  auto for_reading = Database::Open(path, Database::Mode::kReadOnly);
  FUZZ_CHECK(for_reading.ok());
  reader_ = std::make_unique<StoreReader>(*std::move(for_reading), &counts_);
}

DirectStore::~DirectStore() = default;

void DirectStore::Settle() {
  while (!asked_.empty()) {
    const auto next = std::move(asked_.front());
    asked_.pop_front();
    next();
  }
}

void DirectStore::Forget() { asked_.clear(); }

template <typename T, typename Apply>
void DirectStore::Write(Apply apply, Callback<T> done) {
  struct Call {
    Apply apply;
    Callback<T> done;
  };
  const auto call = std::make_shared<Call>(Call{std::move(apply), std::move(done)});
  asked_.push_back([this, call] {
    writer_->Begin();
    auto result = call->apply(*writer_);
    const absl::Status committed = writer_->Commit();
    // Nothing that comes from outside makes the database fail.
    FUZZ_CHECK_SEEN(committed.ok(), committed.message());
    const std::vector<JobChange> changes = writer_->changes();
    writer_->ForgetChanges();
    if (!changes.empty()) {
      for (CommitObserver* observer : observers_) observer->OnCommit(changes);
    }
    Answer<T>(call->done, std::move(result));
  });
}

template <typename T, typename Query>
void DirectStore::Read(Query query, Callback<T> done) {
  struct Call {
    Query query;
    Callback<T> done;
  };
  const auto call = std::make_shared<Call>(Call{std::move(query), std::move(done)});
  asked_.push_back([this, call] { call->done(call->query(*reader_)); });
}

void DirectStore::Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) {
  Write<Each<JobRecord>>(
      [jobs = std::move(jobs)](StoreWriter& writer) mutable {
        Each<JobRecord> results;
        for (auto& job : jobs) results.push_back(writer.Submit(std::move(job)));
        return results;
      },
      std::move(done));
}

void DirectStore::Claim(std::vector<ClaimRequest> claims, Callback<std::vector<ClaimResult>> done) {
  Write<std::vector<ClaimResult>>(
      [claims = std::move(claims)](StoreWriter& writer) {
        std::vector<ClaimResult> results;
        for (const auto& claim : claims) results.push_back(writer.Claim(claim));
        return results;
      },
      std::move(done));
}

void DirectStore::Finish(std::vector<OutcomeReport> outcomes, Callback<std::vector<bool>> done) {
  Write<std::vector<bool>>(
      [outcomes = std::move(outcomes)](StoreWriter& writer) {
        std::vector<bool> results;
        for (const auto& outcome : outcomes) results.push_back(writer.Finish(outcome));
        return results;
      },
      std::move(done));
}

void DirectStore::ReportProgress(std::vector<ProgressReport> reports, Callback<bool> done) {
  Write<bool>(
      [reports = std::move(reports)](StoreWriter& writer) {
        for (const auto& report : reports) writer.ReportProgress(report);
        return true;
      },
      std::move(done));
}

void DirectStore::LoseLeases(std::vector<LeaseLoss> losses, Callback<bool> done) {
  Write<bool>(
      [losses = std::move(losses)](StoreWriter& writer) {
        for (const auto& loss : losses) writer.LoseLease(loss);
        return true;
      },
      std::move(done));
}

void DirectStore::Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) {
  Write<JobRecord>([tenant = std::move(tenant), job,
                    force](StoreWriter& writer) { return writer.Cancel(tenant, job, force); },
                   std::move(done));
}

void DirectStore::Retry(std::string tenant, JobId job, Callback<JobRecord> done) {
  Write<JobRecord>(
      [tenant = std::move(tenant), job](StoreWriter& writer) { return writer.Retry(tenant, job); },
      std::move(done));
}

void DirectStore::Delete(std::string tenant, JobId job, Callback<bool> done) {
  Write<bool>(
      [tenant = std::move(tenant), job](StoreWriter& writer) -> absl::StatusOr<bool> {
        absl::Status deleted = writer.Delete(tenant, job);
        if (!deleted.ok()) return deleted;
        return true;
      },
      std::move(done));
}

void DirectStore::ReleaseKey(std::string tenant, std::string key, Callback<bool> done) {
  Write<bool>(
      [tenant = std::move(tenant),
       key = std::move(key)](StoreWriter& writer) -> absl::StatusOr<bool> {
        absl::Status released = writer.ReleaseKey(tenant, key);
        if (!released.ok()) return released;
        return true;
      },
      std::move(done));
}

void DirectStore::RunTimers(int limit, Callback<TimerResult> done) {
  Write<TimerResult>([limit](StoreWriter& writer) { return writer.RunTimers(limit); },
                     std::move(done));
}

void DirectStore::ShiftRetries(absl::Duration step, Callback<bool> done) {
  Write<bool>(
      [step](StoreWriter& writer) {
        writer.ShiftRetries(step);
        return true;
      },
      std::move(done));
}

void DirectStore::SetPaused(std::string queue, bool paused, Callback<bool> done) {
  Write<bool>(
      [queue = std::move(queue), paused](StoreWriter& writer) {
        writer.SetPaused(queue, paused);
        return true;
      },
      std::move(done));
}

void DirectStore::SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) {
  Write<bool>(
      [types = std::move(types)](StoreWriter& writer) {
        for (const auto& type : types) writer.SaveType(type);
        return true;
      },
      std::move(done));
}

void DirectStore::Get(std::string tenant, JobId job, Callback<JobRecord> done) {
  Read<JobRecord>(
      [tenant = std::move(tenant), job](StoreReader& reader) { return reader.Get(tenant, job); },
      std::move(done));
}

void DirectStore::GetFull(std::string tenant, JobId job, Callback<FullJob> done) {
  Read<FullJob>([tenant = std::move(tenant),
                 job](StoreReader& reader) { return reader.GetFull(tenant, job); },
                std::move(done));
}

void DirectStore::GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                              Callback<WatchStart> done) {
  Read<WatchStart>(
      [tenant = std::move(tenant), job, after_revision](StoreReader& reader) {
        return reader.GetForWatch(tenant, job, after_revision);
      },
      std::move(done));
}

void DirectStore::GetResult(std::string tenant, JobId job, Callback<StoredResult> done) {
  Read<StoredResult>([tenant = std::move(tenant),
                      job](StoreReader& reader) { return reader.GetResult(tenant, job); },
                     std::move(done));
}

void DirectStore::List(ListQuery query, Callback<ListPage> done) {
  Read<ListPage>([query = std::move(query)](StoreReader& reader) { return reader.List(query); },
                 std::move(done));
}

void DirectStore::ReadOutbox(Lane lane, int64_t after, int limit,
                             Callback<std::vector<OutboxEntry>> done) {
  Read<std::vector<OutboxEntry>>(
      [lane = std::move(lane), after, limit](StoreReader& reader) {
        return reader.ReadOutbox(lane, after, limit);
      },
      std::move(done));
}

void DirectStore::ReadActive(Callback<std::vector<JobRecord>> done) {
  Read<std::vector<JobRecord>>([](StoreReader& reader) { return reader.ReadActive(); },
                               std::move(done));
}

void DirectStore::ReadTypes(Callback<std::vector<TypeRecord>> done) {
  Read<std::vector<TypeRecord>>([](StoreReader& reader) { return reader.ReadTypes(); },
                                std::move(done));
}

void DirectStore::ReadPausedQueues(Callback<std::vector<std::string>> done) {
  Read<std::vector<std::string>>([](StoreReader& reader) { return reader.ReadPausedQueues(); },
                                 std::move(done));
}

void DirectStore::ReadOldestReady(std::vector<std::string> queues,
                                  Callback<std::vector<std::optional<absl::Time>>> done) {
  Read<std::vector<std::optional<absl::Time>>>(
      [queues = std::move(queues)](StoreReader& reader) { return reader.ReadOldestReady(queues); },
      std::move(done));
}

}  // namespace buzzer::state
