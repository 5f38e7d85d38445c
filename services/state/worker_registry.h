// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_WORKER_REGISTRY_H_
#define SERVICES_STATE_WORKER_REGISTRY_H_

#include <functional>
#include <map>
#include <set>
#include <string>

#include "buzzer/internal/v1/work_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/state/job_store.h"

namespace buzzer::state {

// The workers that are connected now, and how to reach them. Passes the wish to cancel
// on to the worker that runs the job. Thread-safe.
class WorkerRegistry final : public CommitObserver {
 public:
  using SendCancel = std::function<void(internal::v1::CancelNotice)>;

  // What is known of one queue's workers.
  struct QueueWorkers {
    int workers = 0;
    int slots = 0;
    // Deliveries of each priority that may lie at these workers, not claimed yet.
    int prefetch = 0;
  };

  // A stream says Hello (again). `send` must stay valid until Remove and may be called
  // on any thread, under our lock. Of several streams of one worker the newest, which has the
  // highest number, hears of cancels.
  void Put(int64_t stream, const internal::v1::Hello& hello, SendCancel send);
  void Remove(int64_t stream);

  QueueWorkers Of(const std::string& queue) const;
  // The types that they serve, some perhaps more than once.
  std::vector<TypeRecord> Types() const;
  int size() const;

  void OnCommit(const std::vector<JobChange>& changes) override;

 private:
  struct Worker {
    internal::v1::Hello hello;
    SendCancel send;
  };

  // Forgets that the stream has this name.
  void Unname(const std::string& name, int64_t stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::map<int64_t, Worker> by_stream_ ABSL_GUARDED_BY(mutex_);
  // Exactly the streams above, by the names of their workers; none is empty.
  std::map<std::string, std::set<int64_t>> streams_by_name_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_WORKER_REGISTRY_H_
