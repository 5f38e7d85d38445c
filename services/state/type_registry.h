// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_TYPE_REGISTRY_H_
#define SERVICES_STATE_TYPE_REGISTRY_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/job_store.h"

namespace buzzer::state {

// Which job types exist and which queues they may wait in: announced by workers (and
// remembered in the store for 30 days after the last of them), or declared in state's
// configuration. Also which queues are paused. Thread-safe.
class TypeRegistry {
 public:
  // The most queues of an installation.
  static constexpr size_t kMaxQueues = 200;

  // Not owned. `on_queue` hears of every queue once, when it becomes known.
  TypeRegistry(JobStore* store, const Clock* clock, std::function<void(std::string)> on_queue);

  // Types that are always known. Not saved.
  void Declare(const std::vector<TypeRecord>& types);
  // A queue that is known even without types: one with a limit, or with jobs.
  void DeclareQueue(const std::string& queue);
  // Reads what workers announced before, and what is paused. Blocks until the store has told.
  absl::Status Load();

  // A worker serves these. Saves what is new or was last saved an hour ago. Types
  // beyond the limit of queues are refused with a log line.
  void Announce(const std::vector<TypeRecord>& types);

  // Forgets the types that nobody has announced for kTypeRetention; their queues stay.
  void Forget();

  // The queue for a job: `queue` if the type may wait there, the type's own if it is
  // empty (the one named like the type, else the first by name). INVALID_ARGUMENT
  // UNKNOWN_TYPE or UNKNOWN_QUEUE; the message lists the known ones.
  absl::StatusOr<std::string> ResolveQueue(const std::string& type, const std::string& queue) const;

  void SetPaused(const std::string& queue, bool paused);
  bool IsPaused(const std::string& queue) const;
  std::vector<std::string> PausedQueues() const;

  bool KnowsQueue(const std::string& queue) const;
  std::vector<std::string> Queues() const;
  std::vector<std::string> TypesOf(const std::string& queue) const;

 private:
  // Returns whether the queue is new.
  bool Add(const std::string& type, const std::string& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds them, and tells of the queues that are new.
  void AddAll(const std::vector<TypeRecord>& types);

  JobStore* const store_;
  const Clock* const clock_;
  const std::function<void(std::string)> on_queue_;
  mutable Mutex mutex_;
  std::map<std::string, std::set<std::string>> queues_by_type_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::set<std::string>> types_by_queue_ ABSL_GUARDED_BY(mutex_);
  // Type and queue.
  using Entry = std::pair<std::string, std::string>;
  // When what was announced was saved last.
  std::map<Entry, absl::Time> saved_ ABSL_GUARDED_BY(mutex_);
  std::set<Entry> declared_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> paused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_TYPE_REGISTRY_H_
