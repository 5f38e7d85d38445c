// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_RUNNER_H_
#define SERVICES_WORKER_RUNNER_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/clock/clock.h"
#include "common/log/fault_counter.h"
#include "common/mutex/mutex.h"
#include "services/worker/attempt.h"
#include "services/worker/handler.h"
#include "services/worker/lease_keeper.h"
#include "services/worker/progress.h"
#include "services/worker/state_session.h"
#include "services/worker/worker_events.h"

namespace buzzer::worker {

// Runs granted attempts, each on a thread, and keeps each until its outcome is settled:
// taken or refused by the state service, or not to be sent since the lease is lost.
//
// Thread-safe. Threads are made when they are needed, and kept.
class Runner {
 public:
  struct Options {
    // Not owned.
    StateSession* session = nullptr;
    LeaseKeeper* leases = nullptr;
    ProgressPacer* pacer = nullptr;
    WorkerEvents* events = nullptr;
    const Clock* clock = Clock::Real();
    // The worker's slots, to begin with.
    size_t max_threads = 1;
    // Called on any thread, with no lock held. A handler of `type` has returned, which
    // frees its slot; `outcome_waits`: on_outcome_settled follows, or came already.
    std::function<void(const std::string& type, bool outcome_waits)> on_returned;
    std::function<void()> on_outcome_settled;
  };

  explicit Runner(Options options);
  // Stops every handler and waits for it.
  ~Runner();

  // Runs it; its type's slot has been taken. `handler` is kept until it has returned.
  void Start(const JobId& job, internal::v1::Granted granted, absl::Duration grace,
             std::shared_ptr<Handler> handler);

  // Gives it back without running it.
  void HandBack(const JobId& job, internal::v1::Granted granted);

  // What the state service says.
  void OnLeaseStatus(const internal::v1::LeaseStatus& status);
  void OnOutcomeAnswer(const internal::v1::OutcomeAnswer& answer);
  void OnCancelNotice(const internal::v1::CancelNotice& notice);

  // Asks every running handler to stop, and from now on each that is started, so that their jobs
  // are handed back. Returns the longest grace of those that run.
  absl::Duration HandBackAll();

  // So many handlers may run at once from now on.
  void SetMaxThreads(size_t threads);

  // Waits until no attempt is left; false if some are after `limit`.
  bool AwaitEmpty(absl::Duration limit) const;

  // Handlers that have not returned.
  int running() const;
  // Attempts that are not settled.
  int unsettled() const;

 private:
  struct Entry {
    std::shared_ptr<Attempt> attempt;
    std::shared_ptr<Handler> handler;
    // Not returned yet, or not started.
    bool running = false;
  };

  // Keeps an attempt until it is settled, and starts it if it shall run. False if there is one of
  // this number already: the state service has made a mistake.
  bool Keep(const Entry& entry);
  // Wakes an idle thread, if none is on its way: that one wakes the next. So where handlers take
  // no time, few threads run many, and most are not woken for each.
  void WakeOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Loop();
  void Run(const Entry& entry);
  // Asks the attempt's handler to stop, if there is one that runs.
  void StopOne(const AttemptKey& key, StopCause cause);
  void Settle(const AttemptKey& key);

  const Options options_;
  log::FaultCounter repeated_;  // Thread-safe.
  mutable Mutex mutex_;
  CondVar work_;
  mutable CondVar settled_;
  absl::flat_hash_map<AttemptKey, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::deque<Entry> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t max_threads_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  size_t idle_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  // A thread has been woken and is on its way.
  bool waking_ ABSL_GUARDED_BY(mutex_) = false;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool handing_back_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_RUNNER_H_
