// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/batching_job_store.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/fault_points/fault_points.h"
#include "common/log/log.h"
#include "common/mutex/mutex.h"
#include "services/state/steps/job_steps.h"
#include "services/state/steps/planted_rows.h"
#include "services/state/steps/store_calls.h"

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

class BatchingJobStore final : public StoreCalls {
 public:
  BatchingJobStore(std::unique_ptr<JobDatabase> database, JobStoreOptions options)
      : options_(std::move(options)),
        database_(std::move(database)),
        admission_(
            options_.limits, options_.clock, [this] { return database_->FreeSpace(); }, &refused_) {
  }

  ~BatchingJobStore() override {
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
    if (absl::Status opened = OpenSteps(/*after_fault=*/false); !opened.ok()) return opened;
    auto queries = database_->OpenQueries();
    if (!queries.ok()) return queries.status();
    queries_ = *std::move(queries);
    writer_thread_ = std::thread([this] { WriterLoop(); });
    reader_thread_ = std::thread([this] { ReaderLoop(); });
    return absl::OkStatus();
  }

  void AddObserver(CommitObserver* observer) override { observers_.push_back(observer); }

  void ReadCounts(Callback<std::vector<QueueCounts>> done) override { done(counts_.Snapshot()); }

  StoreSpace Space() const override {
    StoreSpace space;
    space.waiting = counts_.Waiting();
    space.max_waiting = options_.limits.max_waiting;
    space.disk_free = database_->FreeSpace();
    space.disk_floor = options_.limits.min_free_disk;
    space.disk_full = disk_full_;
    for (const Refusal refusal : kRefusals) space.refused[refusal] = refused_.Of(refusal);
    return space;
  }

 private:
  absl::Status OpenSteps(bool after_fault) {
    auto rows = database_->OpenRows(after_fault);
    if (!rows.ok()) return rows.status();
    steps_ = std::make_unique<JobSteps>(
        WithPlantedBugs(*std::move(rows), options_.clock),
        JobSteps::Parts{options_.clock, options_.jitter, &admission_, &counts_});
    return steps_->Open();
  }

  void Enqueue(PendingWrite write) override {
    if (absl::Status accepted = TryEnqueue(write); !accepted.ok()) return write.done(accepted);
    // After the writer thread was told, so that no commit waits for this.
    database_->ExpectWrite(options_.clock->Monotonic());
  }

  void Enqueue(PendingRead read) override {
    absl::Status refused;
    {
      MutexLock lock(&mutex_);
      if (stopping_) {
        refused = ShuttingDown();
      } else if (reads_.size() >= kMaxPendingReads) {
        refused = Busy();
      } else {
        reads_.push_back(std::move(read));
        read_ready_.NotifyOne();
        return;
      }
    }
    read.refuse(refused);
  }

  // What it refuses it leaves as it was.
  absl::Status TryEnqueue(PendingWrite& write) {
    MutexLock lock(&mutex_);
    if (stopping_) return ShuttingDown();
    if (pending_writes_ + write.writes > options_.max_pending_writes) return Busy();
    pending_writes_ += write.writes;
    writes_.push_back(std::move(write));
    write_ready_.NotifyOne();
    return absl::OkStatus();
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
    if (absl::Status usable = EnsureSteps(); !usable.ok()) {
      for (PendingWrite& write : batch) write.done(usable);
      return;
    }
    const absl::Duration start = options_.clock->Monotonic();
    int writes = 0;
    steps_->Begin(TakeNeeds(batch));
    for (PendingWrite& write : batch) {
      write.apply(*steps_);
      writes += write.writes;
    }
    // Planted bug, never in a real build: answers go out before the commit.
    if (BUZZER_PLANTED("accept_before_commit")) {
      for (PendingWrite& write : batch) write.done(absl::OkStatus());
      batch.clear();
      absl::SleepFor(absl::Milliseconds(20));
    }
    const absl::Status status = steps_->Commit();
    // A commit that changed nothing needed no space.
    if (!status.ok() || !steps_->changes().empty()) {
      disk_full_ = ErrorReason(status) == kStoreFull;
    }
    if (status.ok()) {
      if (options_.on_commit) options_.on_commit(writes, options_.clock->Monotonic() - start);
      if (!steps_->changes().empty()) {
        for (CommitObserver* observer : observers_) observer->OnCommit(steps_->changes());
        steps_->ForgetChanges();
      }
    } else {
      log::Error("commit_failed", {{"writes", writes}, {"error", status.message()}});
      // What was written is in doubt after an error of input or output: trust only what a
      // fresh connection reads.
      if (steps_->broken()) steps_.reset();
    }
    for (PendingWrite& write : batch) {
      write.done(status);
      BUZZER_CRASH_POINT("answer.after");
    }
  }

  static StepNeeds TakeNeeds(std::vector<PendingWrite>& batch) {
    if (batch.size() == 1) return std::move(batch.front().needs);
    StepNeeds all;
    for (PendingWrite& write : batch) {
      all.jobs.insert(all.jobs.end(), write.needs.jobs.begin(), write.needs.jobs.end());
      std::move(write.needs.keys.begin(), write.needs.keys.end(), std::back_inserter(all.keys));
    }
    return all;
  }

  // Opens the writing connection again after it broke, at most once a second.
  absl::Status EnsureSteps() {
    if (steps_ != nullptr) return absl::OkStatus();
    const absl::Duration now = options_.clock->Monotonic();
    absl::Status unavailable =
        ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_BROKEN",
                     "the state service cannot write to its disk; nothing was stored")
            .RetryAfter(absl::Seconds(5))
            .Build();
    if (now - reopen_tried_at_ < kReopenInterval) return unavailable;
    reopen_tried_at_ = now;
    if (absl::Status opened = OpenSteps(/*after_fault=*/true); !opened.ok()) {
      steps_.reset();
      log::Error("store_reopen_failed", {{"error", opened.message()}});
      return unavailable;
    }
    log::Warning("store_reopened");
    for (CommitObserver* observer : observers_) observer->OnReopen();
    return absl::OkStatus();
  }

  void ReaderLoop() {
    while (true) {
      PendingRead read;
      {
        MutexLock lock(&mutex_);
        while (reads_.empty() && !stopping_) read_ready_.Wait(&mutex_);
        if (reads_.empty()) return;
        read = std::move(reads_.front());
        reads_.pop_front();
      }
      read.run(*queries_);
    }
  }

  // Constant after Start.
  const JobStoreOptions options_;
  const std::unique_ptr<JobDatabase> database_;
  std::vector<CommitObserver*> observers_;
  CountTable counts_;
  RefusalCounts refused_;
  // The writer thread's, after Start.
  Admission admission_;
  std::unique_ptr<JobSteps> steps_;
  absl::Duration reopen_tried_at_ = -absl::InfiniteDuration();
  // The reader thread's, after Start.
  std::unique_ptr<JobQueries> queries_;

  // The last commit that needed space found none.
  std::atomic<bool> disk_full_ = false;

  Mutex mutex_;
  CondVar write_ready_;
  CondVar read_ready_;
  std::deque<PendingWrite> writes_ ABSL_GUARDED_BY(mutex_);
  int pending_writes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<PendingRead> reads_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread writer_thread_;
  std::thread reader_thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobStore>> StartJobStore(std::unique_ptr<JobDatabase> database,
                                                        JobStoreOptions options) {
  auto store = std::make_unique<BatchingJobStore>(std::move(database), std::move(options));
  if (absl::Status started = store->Start(); !started.ok()) return started;
  return store;
}

}  // namespace buzzer::state
