// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_TYPE_REGISTRY_H_
#define SERVICES_STATE_QUEUES_TYPE_REGISTRY_H_

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Which job types exist and which queues they may wait in: announced by workers (and
// remembered in the store for 30 days after the last of them), or declared in state's
// configuration. Also which queues are paused.
//
// Both have a limit (boundary/limits.h). At the limit, a new one takes the place of the one that
// no worker has announced for the longest time, half an hour at least: a queue only if it has
// neither jobs nor a declared type and is not paused, a type only if it is not declared.
// Whoever invents names must not keep out those that are used. Thread-safe.
class TypeRegistry {
 public:
  // Not owned. `on_queue` hears of every queue when it becomes known, and may hear of it again;
  // `on_forgotten` when another has taken its place.
  TypeRegistry(JobStore* store, const Clock* clock, std::function<void(std::string)> on_queue,
               std::function<void(std::string)> on_forgotten = nullptr);

  // Types that are always known. Not saved.
  void Declare(const std::vector<TypeRecord>& types);
  // A queue that is always known, even without types: one with a limit.
  void DeclareQueue(const std::string& queue);
  // Knows every queue that has jobs which are not finished, and tells of each, known or not: a
  // job may have come just as its queue gave its place, and the queue have become known again
  // before this.
  void TakeUpQueuesWithJobs();
  // Reads what workers announced before, and what is paused. Blocks until the store has told.
  // What is no name, and the oldest beyond the limits, is left where it lies, with a log line.
  absl::Status Load();

  // A worker serves these. Saves what is new or was last saved an hour ago. Those for which
  // there is no place are refused with a log line, and nothing of them is kept: gives what to
  // tell the worker of them, of at most kMaxRefusals.
  std::vector<internal::v1::HelloAnswer::Refusal> Announce(const std::vector<TypeRecord>& types);

  // Forgets the types that nobody has announced for kTypeRetention; their queues stay.
  void Forget();

  // Forgets a queue, the types in it and its pause; who announces it brings it back. The caller
  // knows that no worker serves it. NOT_FOUND QUEUE_NOT_FOUND; FAILED_PRECONDITION QUEUE_IN_USE
  // (jobs in it are not finished, or it is declared). `done` may be called at once, or on a
  // thread of the store: an error of the store means that it may be back after a restart.
  void RemoveQueue(const std::string& queue, JobStore::Callback<bool> done);
  // The same for a type, in whatever queues. NOT_FOUND TYPE_NOT_FOUND; FAILED_PRECONDITION
  // TYPE_IN_USE (it is declared).
  void RemoveType(const std::string& type, JobStore::Callback<bool> done);

  // The queue for a job: `queue` if the type may wait there, the type's own if it is
  // empty (the one named like the type, else the first by name). INVALID_ARGUMENT
  // UNKNOWN_TYPE or UNKNOWN_QUEUE; the message lists the known ones.
  absl::StatusOr<std::string> ResolveQueue(const std::string& type, const std::string& queue) const;

  void SetPaused(const std::string& queue, bool paused);
  bool IsPaused(const std::string& queue) const;
  std::vector<std::string> PausedQueues() const;

  bool KnowsQueue(const std::string& queue) const;
  bool KnowsType(const std::string& type) const;
  std::vector<std::string> Queues() const;
  // By name, and no more than `limit`.
  std::vector<std::string> TypesOf(const std::string& queue,
                                   size_t limit = std::numeric_limits<size_t>::max()) const;

 private:
  using Entry = std::pair<std::string, std::string>;  // Type and queue.
  // Each with when it was announced last.
  template <typename T>
  using OldestLast = std::vector<std::pair<absl::Duration, T>>;

  // When what was announced was saved last; and, on the monotonic clock, announced last.
  struct Announced {
    absl::Time saved;
    absl::Duration at;
  };

  // What has to be done outside the lock.
  struct Changes {
    std::vector<std::string> new_queues;
    std::vector<std::string> forgotten_queues;
    std::vector<TypeRecord> to_save;
    // Who may give its place: looked for once, as there may be thousands. The last is the next.
    std::optional<OldestLast<std::string>> idle_queues;
    std::optional<OldestLast<Entry>> idle_types;
  };
  void Tell(Changes changes);
  void RemoveEmptyQueue(const std::string& queue, JobStore::Callback<bool> done);
  // Asks the store which queues have jobs, and remembers it.
  void FindOccupiedQueues();
  // Whether there are more new queues among them than there is room for.
  bool NeedsPlaces(const std::vector<TypeRecord>& types) const;
  void TakeUpSaved(std::vector<TypeRecord> types);

  enum class Place { kIsThere, kNoneForQueue, kNoneForType };
  // Whether there is a place for it, which may have been made.
  Place FindPlace(const Entry& entry, Changes* changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsIdle(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasIdleTypesOnly(const std::string& queue) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The next that may give its place, if there is one.
  std::optional<std::string> IdleQueue(Changes* changes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Entry> IdleType(Changes* changes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  OldestLast<std::string> IdleQueues() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  OldestLast<Entry> IdleTypes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUp(const std::string& queue, Changes* changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(const Entry& entry, Changes* changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns whether the queue is new.
  bool Add(const std::string& type, const std::string& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JobStore* const store_;
  const Clock* const clock_;
  const std::function<void(std::string)> on_queue_;
  const std::function<void(std::string)> on_forgotten_;
  mutable Mutex mutex_;
  std::map<std::string, std::set<std::string>> queues_by_type_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::set<std::string>> types_by_queue_ ABSL_GUARDED_BY(mutex_);
  std::map<Entry, Announced> announced_ ABSL_GUARDED_BY(mutex_);
  std::set<Entry> declared_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> declared_queues_ ABSL_GUARDED_BY(mutex_);
  // Those with jobs, as the store said last; nullopt: it has not said yet.
  std::optional<std::set<std::string>> occupied_queues_ ABSL_GUARDED_BY(mutex_);
  // When a refusal was logged last.
  absl::Duration refused_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  std::set<std::string> paused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_TYPE_REGISTRY_H_
