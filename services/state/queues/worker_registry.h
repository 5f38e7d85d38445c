// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_WORKER_REGISTRY_H_
#define SERVICES_STATE_QUEUES_WORKER_REGISTRY_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// The workers that are connected now, what each of them takes, and how to reach them. Passes the
// wish to cancel on to the worker that runs the job.
//
// A worker takes the jobs of a queue unless it drains, says that something is wrong with the queue
// (the broker is away, refuses it), or waits at other broker queues than state dispatches to.
// Thread-safe.
class WorkerRegistry final : public CommitObserver {
 public:
  using SendCancel = std::function<void(internal::v1::CancelNotice)>;

  // What is known of one queue's workers.
  struct QueueWorkers {
    // That take its jobs, and their slots.
    int workers = 0;
    int slots = 0;
    // Deliveries of each priority that may lie at these workers, not claimed yet, and at those
    // that take no more.
    int prefetch = 0;
    // That would take its jobs and do not, since something is wrong; and what it is with one of
    // them: its name and the problem.
    int stalled = 0;
    std::string stall_reason = {};
  };

  // `broker_queue_prefix` is that of state's own broker queues; empty: no worker is held against
  // it.
  explicit WorkerRegistry(std::string broker_queue_prefix = "")
      : broker_queue_prefix_(std::move(broker_queue_prefix)) {}

  // A stream says Hello (again). `send` must stay valid until Remove and may be called
  // on any thread, under our lock. Of several streams of one worker the newest, which has the
  // highest number, hears of cancels. `announce` is called by AnnounceAll, under no lock, and
  // may be called once more after Remove.
  void Put(int64_t stream, const internal::v1::Hello& hello, SendCancel send,
           std::function<void()> announce = nullptr);
  void Remove(int64_t stream);

  // Why the worker of this stream takes nothing at all, for people; empty: no reason is known.
  std::string ProblemOf(int64_t stream) const;

  QueueWorkers Of(const std::string& queue) const;
  // Whether a worker takes jobs of the type in this queue now. Waits for none of the above but
  // Put and Remove, and costs the same however many workers there are.
  bool Takes(absl::string_view type, absl::string_view queue) const;
  // Whether a worker, taking or not, has a handler of the queue, or for the type.
  bool Serves(const std::string& queue) const;
  bool HasHandler(const std::string& type) const;
  // Lets every stream announce its types anew.
  void AnnounceAll() const;

  // All of them, and those that take nothing of any queue, since something is wrong.
  int size() const;
  int stalled() const;

  void OnCommit(const std::vector<JobChange>& changes) override;

 private:
  using TypeInQueue = std::pair<std::string, std::string>;
  struct Worker {
    internal::v1::Hello hello;
    SendCancel send;
    std::function<void()> announce;
    // Concerns all of its queues.
    std::string problem;
    // What it takes, sorted.
    std::vector<TypeInQueue> takes;
  };

  // Forgets that the stream has this name.
  void Unname(const std::string& name, int64_t stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Replaces what a worker takes.
  void SetTakes(Worker& worker, std::vector<TypeInQueue> takes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string broker_queue_prefix_;
  mutable Mutex mutex_;
  std::map<int64_t, Worker> by_stream_ ABSL_GUARDED_BY(mutex_);
  // Exactly the streams above, by the names of their workers; none is empty.
  std::map<std::string, std::set<int64_t>> streams_by_name_ ABSL_GUARDED_BY(mutex_);

  // How many take each type, by queue; every number is above 0. A mutex of its own, taken after
  // the other: submits ask, and do not wait for who counts.
  mutable Mutex takers_mutex_;
  absl::flat_hash_map<std::string, absl::flat_hash_map<std::string, int>> takers_
      ABSL_GUARDED_BY(takers_mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_WORKER_REGISTRY_H_
