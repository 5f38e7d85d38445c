// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_WATCH_JOB_EVENT_HUB_H_
#define SERVICES_STATE_WATCH_JOB_EVENT_HUB_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/state/queues/wait_reasons.h"
#include "services/state/store/job_store.h"
#include "services/state/watch/job_watch.h"

namespace buzzer::state {

class WatchSession;

// Brings each commit to those who watch its jobs. Thread-safe.
class JobEventHub final : public CommitObserver {
 public:
  // Not owned. `waits` tells in a snapshot why the job waits; null: nobody does.
  explicit JobEventHub(JobStore* store, const WaitReasons* waits = nullptr)
      : store_(store), waits_(waits) {}

  // A session of any number of watches. `wake` is called when Fill may have something to
  // give: on any thread, under no lock, perhaps once more after Close.
  std::shared_ptr<WatchSession> Open(std::function<void()> wake);

  void OnCommit(const std::vector<JobChange>& changes) override;
  void OnReopen() override;

  // Open watches.
  size_t size() const;

 private:
  friend class WatchSession;
  struct Watcher {
    std::weak_ptr<WatchSession> session;
    int64_t watch = 0;
  };
  void OfferChanges(const std::vector<JobChange>& changes,
                    absl::flat_hash_set<std::shared_ptr<WatchSession>>* to_wake);
  void Add(const JobId& job, std::weak_ptr<WatchSession> session, int64_t watch);
  void Remove(const JobId& job, const WatchSession* session, int64_t watch);

  JobStore* const store_;
  const WaitReasons* const waits_;
  mutable Mutex mutex_;
  absl::flat_hash_map<JobId, std::vector<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

// The watches of one frontend's stream. Thread-safe. Lock order: the hub's before the
// session's.
class WatchSession : public std::enable_shared_from_this<WatchSession> {
 public:
  // INVALID_ARGUMENT: the watch's number is in use. RESOURCE_EXHAUSTED: too many watches. A start
  // that is wrong in itself is a watch that ends at once.
  absl::Status Start(const internal::v1::WatchRequest::Start& start);
  void Stop(int64_t watch);
  // Ends all: the stream is gone.
  void Close();

  // Moves what is to be told into one message; false if there is nothing.
  bool Fill(internal::v1::WatchResponse* response);

  // Whether its reader takes what it is told: if not, it should ask for no more.
  bool HasRoom();

 private:
  friend class JobEventHub;
  struct Watch {
    std::string tenant;
    JobId job;
    JobWatch events{0};
    // Of all that ever were: a read that was asked for one that had its number before is late.
    int64_t generation = 0;
    bool dirty = false;
    // It is to be read: it stands in `to_read_`, and then a read is under way.
    bool waits_for_read = false;
    bool reading = false;
  };

  WatchSession(JobEventHub* hub, std::function<void()> wake) : hub_(hub), wake_(std::move(wake)) {}

  // Returns whether to wake the session.
  bool Offer(int64_t watch, const JobId& job, const v1::JobEvent* event, const absl::Status& end);
  // Commits may have gone untold.
  void MissAll();
  // Asks the store for the jobs of the watches in `to_read_`, as long as few reads are under way
  // and the peer takes what it is told.
  void StartReads();
  // Takes the next of them; nullopt if none is to be read now.
  std::optional<std::pair<int64_t, Watch>> NextToRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueRead(int64_t id, Watch& watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns whether to wake the session.
  bool FinishRead(int64_t id, int64_t generation, const absl::StatusOr<WatchStart>& start);
  // Returns whether it was clean.
  bool MarkDirty(int64_t id, Watch& watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JobEventHub* const hub_;
  const std::function<void()> wake_;
  Mutex mutex_;
  absl::flat_hash_map<int64_t, Watch> watches_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> dirty_ ABSL_GUARDED_BY(mutex_);
  int64_t last_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  // About how much waits to be taken, of all watches.
  size_t untaken_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Watches and their generations. Changes of their jobs need not be kept: the read finds them.
  std::deque<std::pair<int64_t, int64_t>> to_read_ ABSL_GUARDED_BY(mutex_);
  int reads_ ABSL_GUARDED_BY(mutex_) = 0;  // Under way.
  // A thread is in StartReads, and sees what the others leave there.
  bool starting_reads_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_WATCH_JOB_EVENT_HUB_H_
