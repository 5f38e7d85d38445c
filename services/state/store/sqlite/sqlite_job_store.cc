// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/sqlite_job_store.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/fault_points/fault_points.h"
#include "common/log/log.h"
#include "common/mutex/mutex.h"
#include "services/state/store/sqlite/directory_lock.h"
#include "services/state/store/sqlite/disk_waker.h"
#include "services/state/store/sqlite/free_disk.h"
#include "services/state/store/sqlite/migrations.h"
#include "services/state/store/sqlite/store_reader.h"

namespace buzzer::state {
namespace {

// Most writes that share one transaction: bounds how long the first of them waits.
constexpr int kMaxWritesPerCommit = 4096;
constexpr size_t kMaxPendingReads = 50'000;
constexpr absl::Duration kReopenInterval = absl::Seconds(1);

absl::Status Busy() {
  return ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_BUSY",
                      "the state service has more work waiting than it can take; nothing was "
                      "stored")
      .RetryAfter(absl::Seconds(1))
      .Build();
}

absl::Status ShuttingDown() {
  return ErrorBuilder(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                      "the state service is shutting down")
      .RetryAfter(absl::Seconds(1))
      .Build();
}

// A call waiting for the next transaction: `apply` runs in it, `done` after its end.
struct PendingWrite {
  int writes = 1;
  // `done` comes before the observers: somebody waits for this commit and nothing else.
  bool answer_first = false;
  std::function<void(StoreWriter&)> apply;
  std::function<void(const absl::Status&)> done;
};

class SqliteJobStore final : public JobStore {
 public:
  SqliteJobStore(SqliteJobStoreOptions options, std::unique_ptr<DirectoryLock> lock)
      : options_(std::move(options)), lock_(std::move(lock)), disk_(options_.directory) {}

  ~SqliteJobStore() override {
    {
      MutexLock lock(&mutex_);
      stopping_ = true;
      write_ready_.NotifyAll();
      read_ready_.NotifyAll();
    }
    if (writer_thread_.joinable()) writer_thread_.join();
    if (reader_thread_.joinable()) reader_thread_.join();
  }

  absl::Status Start() {
    if (absl::Status opened = OpenWriter(/*after_fault=*/false); !opened.ok()) return opened;
    auto database = Database::Open(path(), Database::Mode::kReadOnly);
    if (!database.ok()) return database.status();
    reader_ = std::make_unique<StoreReader>(*std::move(database), &counts_);
    writer_thread_ = std::thread([this] { WriterLoop(); });
    reader_thread_ = std::thread([this] { ReaderLoop(); });
    return absl::OkStatus();
  }

  void AddObserver(CommitObserver* observer) override { observers_.push_back(observer); }

  void Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) override {
    const int count = static_cast<int>(jobs.size());
    Write<Each<JobRecord>>(
        count,
        [jobs = std::move(jobs)](StoreWriter& writer) mutable {
          Each<JobRecord> results;
          results.reserve(jobs.size());
          for (auto& job : jobs) results.push_back(writer.Submit(std::move(job)));
          return results;
        },
        std::move(done), /*answer_first=*/true);
  }

  void Claim(std::vector<ClaimRequest> claims, Callback<std::vector<ClaimResult>> done) override {
    const int count = static_cast<int>(claims.size());
    Write<std::vector<ClaimResult>>(
        count,
        [claims = std::move(claims)](StoreWriter& writer) {
          std::vector<ClaimResult> results;
          results.reserve(claims.size());
          for (const auto& claim : claims) results.push_back(writer.Claim(claim));
          return results;
        },
        std::move(done));
  }

  void Finish(std::vector<OutcomeReport> outcomes, Callback<std::vector<bool>> done) override {
    const int count = static_cast<int>(outcomes.size());
    Write<std::vector<bool>>(
        count,
        [outcomes = std::move(outcomes)](StoreWriter& writer) {
          std::vector<bool> results;
          results.reserve(outcomes.size());
          for (const auto& outcome : outcomes) results.push_back(writer.Finish(outcome));
          return results;
        },
        std::move(done));
  }

  void ReportProgress(std::vector<ProgressReport> reports, Callback<bool> done) override {
    const int count = static_cast<int>(reports.size());
    Write<bool>(
        count,
        [reports = std::move(reports)](StoreWriter& writer) {
          for (const auto& report : reports) writer.ReportProgress(report);
          return true;
        },
        std::move(done));
  }

  void LoseLeases(std::vector<LeaseLoss> losses, Callback<bool> done) override {
    const int count = static_cast<int>(losses.size());
    Write<bool>(
        count,
        [losses = std::move(losses)](StoreWriter& writer) {
          for (const auto& loss : losses) writer.LoseLease(loss);
          return true;
        },
        std::move(done));
  }

  void Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) override {
    Write<absl::StatusOr<JobRecord>>(
        1,
        [tenant = std::move(tenant), job, force](StoreWriter& writer) {
          return writer.Cancel(tenant, job, force);
        },
        Flatten<JobRecord>(std::move(done)));
  }

  void Retry(std::string tenant, JobId job, Callback<JobRecord> done) override {
    Write<absl::StatusOr<JobRecord>>(
        1,
        [tenant = std::move(tenant), job](StoreWriter& writer) {
          return writer.Retry(tenant, job);
        },
        Flatten<JobRecord>(std::move(done)));
  }

  void Delete(std::string tenant, JobId job, Callback<bool> done) override {
    Write<absl::StatusOr<bool>>(
        1,
        [tenant = std::move(tenant), job](StoreWriter& writer) -> absl::StatusOr<bool> {
          absl::Status deleted = writer.Delete(tenant, job);
          if (!deleted.ok()) return deleted;
          return true;
        },
        Flatten<bool>(std::move(done)));
  }

  void ReleaseKey(std::string tenant, std::string key, Callback<bool> done) override {
    Write<absl::StatusOr<bool>>(
        1,
        [tenant = std::move(tenant),
         key = std::move(key)](StoreWriter& writer) -> absl::StatusOr<bool> {
          absl::Status released = writer.ReleaseKey(tenant, key);
          if (!released.ok()) return released;
          return true;
        },
        Flatten<bool>(std::move(done)));
  }

  void RunTimers(int limit, Callback<TimerResult> done) override {
    Write<TimerResult>(
        1, [limit](StoreWriter& writer) { return writer.RunTimers(limit); }, std::move(done));
  }

  void ShiftRetries(absl::Duration step, Callback<bool> done) override {
    Write<bool>(
        1,
        [step](StoreWriter& writer) {
          writer.ShiftRetries(step);
          return true;
        },
        std::move(done));
  }

  void SetPaused(std::string queue, bool paused, Callback<bool> done) override {
    Write<bool>(
        1,
        [queue = std::move(queue), paused](StoreWriter& writer) {
          writer.SetPaused(queue, paused);
          return true;
        },
        std::move(done));
  }

  void SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) override {
    Write<bool>(
        1,
        [types = std::move(types)](StoreWriter& writer) {
          for (const auto& type : types) writer.SaveType(type);
          return true;
        },
        std::move(done));
  }

  void Get(std::string tenant, JobId job, Callback<JobRecord> done) override {
    Read<JobRecord>(
        [tenant = std::move(tenant), job](StoreReader& reader) { return reader.Get(tenant, job); },
        std::move(done));
  }

  void GetFull(std::string tenant, JobId job, Callback<FullJob> done) override {
    Read<FullJob>([tenant = std::move(tenant),
                   job](StoreReader& reader) { return reader.GetFull(tenant, job); },
                  std::move(done));
  }

  void GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                   Callback<WatchStart> done) override {
    Read<WatchStart>(
        [tenant = std::move(tenant), job, after_revision](StoreReader& reader) {
          return reader.GetForWatch(tenant, job, after_revision);
        },
        std::move(done));
  }

  void GetResult(std::string tenant, JobId job, Callback<StoredResult> done) override {
    Read<StoredResult>([tenant = std::move(tenant),
                        job](StoreReader& reader) { return reader.GetResult(tenant, job); },
                       std::move(done));
  }

  void List(ListQuery query, Callback<ListPage> done) override {
    Read<ListPage>([query = std::move(query)](StoreReader& reader) { return reader.List(query); },
                   std::move(done));
  }

  void ReadOutbox(Lane lane, int64_t after, int limit,
                  Callback<std::vector<OutboxEntry>> done) override {
    Read<std::vector<OutboxEntry>>(
        [lane = std::move(lane), after, limit](StoreReader& reader) {
          return reader.ReadOutbox(lane, after, limit);
        },
        std::move(done));
  }

  void ReadActive(Callback<std::vector<JobRecord>> done) override {
    Read<std::vector<JobRecord>>([](StoreReader& reader) { return reader.ReadActive(); },
                                 std::move(done));
  }

  void ReadTypes(Callback<std::vector<TypeRecord>> done) override {
    Read<std::vector<TypeRecord>>([](StoreReader& reader) { return reader.ReadTypes(); },
                                  std::move(done));
  }

  void ReadPausedQueues(Callback<std::vector<std::string>> done) override {
    Read<std::vector<std::string>>([](StoreReader& reader) { return reader.ReadPausedQueues(); },
                                   std::move(done));
  }

  void ReadOldestReady(std::vector<std::string> queues,
                       Callback<std::vector<std::optional<absl::Time>>> done) override {
    Read<std::vector<std::optional<absl::Time>>>(
        [queues = std::move(queues)](StoreReader& reader) {
          return reader.ReadOldestReady(queues);
        },
        std::move(done));
  }

  std::vector<QueueCounts> Counts() const override { return counts_.Snapshot(); }

  StoreSpace Space() const override {
    StoreSpace space;
    space.waiting = counts_.Waiting();
    space.max_waiting = options_.limits.max_waiting;
    space.disk_free = FreeDisk(options_.directory);
    space.disk_floor = options_.limits.min_free_disk;
    space.disk_full = disk_full_;
    for (const Refusal refusal : kRefusals) space.refused[refusal] = refused_.Of(refusal);
    return space;
  }

 private:
  std::string path() const { return DatabasePath(options_.directory); }

  absl::Status OpenWriter(bool after_fault) {
    auto database = Database::Open(path(), Database::Mode::kReadWrite);
    if (!database.ok()) return database.status();
    if (absl::Status migrated = Migrate(**database); !migrated.ok()) return migrated;
    if (absl::Status settled = SettleLog(**database, after_fault); !settled.ok()) return settled;
    writer_ =
        std::make_unique<StoreWriter>(*std::move(database), options_.directory, options_.clock,
                                      options_.jitter, options_.limits, &counts_, &refused_);
    return writer_->status();
  }

  // After a failed fsync the page cache shows bytes that no later fsync writes: a commit
  // built upon them would be gone with the next power cut, though its own fsync was fine.
  // So what an earlier connection or process left in the log is never built upon: it is
  // copied into the database file, which writes and syncs it anew, and the log starts
  // empty. After a fault a commit comes first: it takes the place of the one in doubt,
  // which from then on is surely absent, and shows whether the disk works again.
  static absl::Status SettleLog(Database& database, bool after_fault) {
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

  template <typename T>
  static Callback<absl::StatusOr<T>> Flatten(Callback<T> done) {
    return [done = std::move(done)](absl::StatusOr<absl::StatusOr<T>> result) mutable {
      if (result.ok()) {
        done(*std::move(result));
      } else {
        done(result.status());
      }
    };
  }

  template <typename T, typename Apply>
  void Write(int writes, Apply apply, Callback<T> done, bool answer_first = false) {
    // std::function must be copyable, what it carries need not be.
    struct Call {
      Apply apply;
      Callback<T> done;
      std::optional<T> result;
    };
    auto call = std::make_shared<Call>(Call{std::move(apply), std::move(done), std::nullopt});
    PendingWrite pending;
    pending.writes = std::max(writes, 1);
    pending.answer_first = answer_first;
    pending.apply = [call](StoreWriter& writer) { call->result.emplace(call->apply(writer)); };
    pending.done = [call](const absl::Status& status) {
      if (status.ok()) {
        call->done(*std::move(call->result));
      } else {
        call->done(status);
      }
    };
    if (absl::Status accepted = Enqueue(pending); !accepted.ok()) return pending.done(accepted);
    // After the writer thread was told, so that no commit waits for this.
    disk_.WakeIfRested(options_.clock->Monotonic());
  }

  // What it refuses it leaves as it was.
  absl::Status Enqueue(PendingWrite& write) {
    MutexLock lock(&mutex_);
    if (stopping_) return ShuttingDown();
    if (pending_writes_ + write.writes > options_.max_pending_writes) return Busy();
    pending_writes_ += write.writes;
    writes_.push_back(std::move(write));
    write_ready_.NotifyOne();
    return absl::OkStatus();
  }

  template <typename T, typename Query>
  void Read(Query query, Callback<T> done) {
    struct Call {
      Query query;
      Callback<T> done;
    };
    auto call = std::make_shared<Call>(Call{std::move(query), std::move(done)});
    absl::Status refused;
    {
      MutexLock lock(&mutex_);
      if (stopping_) {
        refused = ShuttingDown();
      } else if (reads_.size() >= kMaxPendingReads) {
        refused = Busy();
      } else {
        reads_.push_back([call](StoreReader& reader) { call->done(call->query(reader)); });
        read_ready_.NotifyOne();
        return;
      }
    }
    call->done(refused);
  }

  // What gathered since the last commit; empty when the store stops.
  std::vector<PendingWrite> TakeWrites() {
    MutexLock lock(&mutex_);
    while (writes_.empty() && !stopping_) write_ready_.Wait(&mutex_);
    std::vector<PendingWrite> batch;
    int count = 0;
    while (!writes_.empty() &&
           (batch.empty() || count + writes_.front().writes <= kMaxWritesPerCommit)) {
      count += writes_.front().writes;
      batch.push_back(std::move(writes_.front()));
      writes_.pop_front();
    }
    pending_writes_ -= count;
    return batch;
  }

  void WriterLoop() {
    while (true) {
      std::vector<PendingWrite> batch = TakeWrites();
      if (batch.empty()) return;
      CommitBatch(batch);
    }
  }

  void CommitBatch(std::vector<PendingWrite>& batch) {
    if (absl::Status usable = EnsureWriter(); !usable.ok()) {
      for (PendingWrite& write : batch) write.done(usable);
      return;
    }
    const absl::Duration start = options_.clock->Monotonic();
    int writes = 0;
    writer_->Begin();
    for (PendingWrite& write : batch) {
      write.apply(*writer_);
      writes += write.writes;
    }
    // Planted bug, never in a real build: answers go out before the commit.
    if (BUZZER_PLANTED("accept_before_commit")) {
      for (PendingWrite& write : batch) write.done(absl::OkStatus());
      batch.clear();
      absl::SleepFor(absl::Milliseconds(20));
    }
    const absl::Status status = writer_->Commit();
    // A commit that changed nothing needed no space.
    if (!status.ok() || !writer_->changes().empty()) {
      disk_full_ = ErrorReason(status) == kStoreFull;
    }
    if (status.ok() && options_.on_commit) {
      options_.on_commit(writes, options_.clock->Monotonic() - start);
    }
    for (PendingWrite& write : batch) {
      if (!write.answer_first) continue;
      write.done(status);
      BUZZER_CRASH_POINT("answer.after");
    }
    if (status.ok()) {
      if (!writer_->changes().empty()) {
        for (CommitObserver* observer : observers_) observer->OnCommit(writer_->changes());
        writer_->ForgetChanges();
      }
    } else {
      log::Error("commit_failed", {{"writes", writes}, {"error", status.message()}});
      // What SQLite wrote is in doubt after an error of input or output: trust only
      // what a fresh connection reads.
      if (writer_->database().broken()) writer_.reset();
    }
    for (PendingWrite& write : batch) {
      if (!write.answer_first) write.done(status);
    }
  }

  // Opens the writing connection again after it broke, at most once a second.
  absl::Status EnsureWriter() {
    if (writer_ != nullptr) return absl::OkStatus();
    const absl::Duration now = options_.clock->Monotonic();
    absl::Status unavailable =
        ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_BROKEN",
                     "the state service cannot write to its disk; nothing was stored")
            .RetryAfter(absl::Seconds(5))
            .Build();
    if (now - reopen_tried_at_ < kReopenInterval) return unavailable;
    reopen_tried_at_ = now;
    if (absl::Status opened = OpenWriter(/*after_fault=*/true); !opened.ok()) {
      writer_.reset();
      log::Error("store_reopen_failed", {{"error", opened.message()}});
      return unavailable;
    }
    log::Warning("store_reopened");
    for (CommitObserver* observer : observers_) observer->OnReopen();
    return absl::OkStatus();
  }

  void ReaderLoop() {
    while (true) {
      std::function<void(StoreReader&)> read;
      {
        MutexLock lock(&mutex_);
        while (reads_.empty() && !stopping_) read_ready_.Wait(&mutex_);
        if (reads_.empty()) return;
        read = std::move(reads_.front());
        reads_.pop_front();
      }
      read(*reader_);
    }
  }

  // Constant after Start.
  const SqliteJobStoreOptions options_;
  const std::unique_ptr<DirectoryLock> lock_;
  std::vector<CommitObserver*> observers_;
  CountTable counts_;
  RefusalCounts refused_;

  // The writer thread's, after Start.
  std::unique_ptr<StoreWriter> writer_;
  absl::Duration reopen_tried_at_ = -absl::InfiniteDuration();
  // The reader thread's, after Start.
  std::unique_ptr<StoreReader> reader_;

  DiskWaker disk_;
  // The last commit that needed space found none.
  std::atomic<bool> disk_full_ = false;

  Mutex mutex_;
  CondVar write_ready_;
  CondVar read_ready_;
  std::deque<PendingWrite> writes_ ABSL_GUARDED_BY(mutex_);
  int pending_writes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void(StoreReader&)>> reads_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread writer_thread_;
  std::thread reader_thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteJobStore(SqliteJobStoreOptions options) {
  auto lock = DirectoryLock::Acquire(options.directory);
  if (!lock.ok()) return lock.status();
  auto store = std::make_unique<SqliteJobStore>(std::move(options), *std::move(lock));
  if (absl::Status started = store->Start(); !started.ok()) return started;
  return store;
}

}  // namespace buzzer::state
