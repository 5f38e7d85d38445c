// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_WORKER_SLOTS_H_
#define SERVICES_STATE_QUEUES_WORKER_SLOTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "buzzer/internal/v1/work_service.pb.h"
#include "common/job_id/job_id.h"
#include "common/mutex/mutex.h"

namespace buzzer::state {

// The slots that connected workers have for each type, and which of them are idle; offers jobs to
// those. Thread-safe.
class WorkerSlots {
 public:
  using SendOffers = std::function<void(std::vector<internal::v1::Offer>)>;

  // Of one type, over all workers that serve it.
  struct Type {
    // Most jobs at once.
    int slots = 0;
    // Idle, and not offered a job since their worker's last Hello.
    int idle = 0;
  };

  // A stream says Hello (again). With `takes_none` the worker takes no job at all, and none of a
  // queue that it says has a problem: what it would have there does not count. `send` may be called
  // on any thread, under our lock, until Remove has returned.
  void Put(int64_t stream, const internal::v1::Hello& hello, bool takes_none, SendOffers send);
  void Remove(int64_t stream);

  // The types that connected workers take of this queue as their own.
  std::map<std::string, Type> TypesOf(const std::string& queue) const;

  // Offers the jobs, all of `type`, to workers with idle slots for it, one for each slot. What
  // there is no slot for is offered to nobody.
  void Offer(const std::string& type, const std::vector<JobId>& jobs);

 private:
  struct TypeOfWorker {
    std::string queue;
    Type slots;
  };
  struct Worker {
    std::map<std::string, TypeOfWorker> types;
    SendOffers send;
  };

  mutable Mutex mutex_;
  std::map<int64_t, Worker> by_stream_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_WORKER_SLOTS_H_
