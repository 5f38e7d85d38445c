// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_SUBMIT_QUEUE_H_
#define SERVICES_FRONTEND_SUBMIT_QUEUE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "common/clock/clock.h"
#include "common/job_id/job_id.h"
#include "common/limits/limits.h"
#include "common/mutex/mutex.h"
#include "services/frontend/limits.h"

namespace buzzer::frontend {

// The submits of this frontend on their way to the state service, and what their callers
// are told. Submits gather while batches are on their way, and go together as the next:
// so the cost of each falls as load rises, and none waits when there is no load.
//
// A batch whose answer never came may be stored or not. It is offered again on the next
// stream (the insert is idempotent by id) until `answer_limit` after the submit, when its
// callers learn that the outcome is unknown. What was never sent is surely not stored.
//
// Thread-safe. Calls `Done` and the hooks under no lock, on the thread that brought the
// news.
class SubmitQueue {
 public:
  using Done = std::function<void(absl::StatusOr<v1::Job>)>;

  struct Limits {
    absl::Duration answer_limit = absl::Seconds(5);
    size_t max_jobs = kMaxPendingSubmits;
    size_t max_bytes = kMaxPendingSubmitBytes;
    // New submits are refused while one has waited `max_wait` to be sent, and what has
    // waited `drop_after` is not sent any more: beyond what state can store, a queue costs
    // everybody time and gains nobody anything. The rest of `answer_limit` is for the
    // batches in flight, so that callers learn that their jobs are surely not stored.
    absl::Duration max_wait = absl::Seconds(1);
    absl::Duration drop_after = absl::Seconds(2);
    int max_batch_jobs = kMaxBatchJobs;
    size_t max_batch_bytes = kMaxBatchBytes;
    size_t max_batches_in_flight = kMaxBatchesInFlight;
    // Batches are made smaller, down to `min_batch_jobs`, while an answer takes longer.
    absl::Duration slow_answer = absl::Seconds(1);
    int min_batch_jobs = 64;
  };

  struct Hooks {
    // NextBatch may have something to give.
    std::function<void()> wake;
    // Call Expire once, this long from now.
    std::function<void(absl::Duration)> expire_after;
    // A batch of so many jobs was given.
    std::function<void(int)> on_batch;
  };

  SubmitQueue(Limits limits, const Clock* clock, Hooks hooks);

  // Takes a job on. `done` is called once: with the stored job, with state's error,
  // UNAVAILABLE (STATE_UNAVAILABLE: surely not stored; at once if the line is down or too
  // many wait) or DEADLINE_EXCEEDED (OUTCOME_UNKNOWN).
  void Add(internal::v1::NewJob job, Done done);

  // Fills in the next batch to send; false if there is none.
  bool NextBatch(internal::v1::SubmitRequest* request);

  void OnAnswer(internal::v1::SubmitResponse& response);

  // The line to state is up: unanswered batches are offered again.
  void OnUp();
  // The line is down: fails what was never sent.
  void OnDown();

  // Ends the submits whose time is up.
  void Expire();

 private:
  struct Entry {
    internal::v1::NewJob job;
    JobId id;
    size_t bytes = 0;
    absl::Duration start;  // On the monotonic clock.
    Done done;             // Null once it was called.
  };
  struct Batch {
    std::vector<Entry> entries;
    absl::Duration start;   // When it was first sent, on the monotonic clock.
    bool sent = false;      // On the stream that is up.
    bool repeated = false;  // It was on an earlier one too, which may have stored it.
  };
  // Callers and what to tell them, once no lock is held.
  struct News {
    Done done;
    absl::StatusOr<v1::Job> result;
  };
  static void Tell(std::vector<News>& news);
  // Moves out of entry and done unless it refuses; says whether Expire is to be called.
  absl::Status Enqueue(Entry& entry, Done& done, bool* set_expiry);

  bool RefillUnanswered(internal::v1::SubmitRequest* request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes out of the waiting what is too old to be sent.
  std::vector<News> DropLate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False if nothing waits, or enough is in flight.
  bool FillNext(internal::v1::SubmitRequest* request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Batch GatherBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After an answer: how large the next may be.
  void FitBatches(const Batch& answered) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  News Settle(Entry& entry, absl::StatusOr<v1::Job> result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Time until the next submit expires; nullopt if none waits.
  std::optional<absl::Duration> NextExpiry(absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  const Clock* const clock_;
  const Hooks hooks_;
  Mutex mutex_;
  std::deque<Entry> waiting_ ABSL_GUARDED_BY(mutex_);         // Never sent.
  std::map<int64_t, Batch> batches_ ABSL_GUARDED_BY(mutex_);  // Unanswered, oldest first.
  int64_t last_batch_ ABSL_GUARDED_BY(mutex_) = 0;
  // Most jobs of the next batch.
  int batch_jobs_ ABSL_GUARDED_BY(mutex_);
  // Of all entries whose callers wait.
  size_t jobs_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
  bool expiry_is_set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_SUBMIT_QUEUE_H_
