// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_READINESS_H_
#define SERVICES_WORKER_READINESS_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/clock/clock.h"
#include "common/log/fault_counter.h"
#include "common/mutex/mutex.h"
#include "services/worker/boundary/hello_answer.h"
#include "services/worker/config.h"

namespace buzzer::worker {

// Whether the worker takes jobs, of which queues, and why not. It is ready while state and the
// broker are connected, it does not drain, and it takes of one queue at least. A queue that is
// only full (no free slot) is taken of; one that has not been consumed yet is not.
//
// Says in the log when it is not ready any more and why, when it is again, and each thing that
// state refuses. Thread-safe.
class Readiness {
 public:
  enum class Reason { kState, kBroker, kQueue, kRefused, kDraining };

  // Something that keeps the worker from taking jobs; of all queues if none is named.
  struct Problem {
    Reason reason = Reason::kState;
    std::string queue;
    // For people, at most 512 bytes.
    std::string why;
    // Not since something went wrong, but since it has just begun.
    bool is_start = false;
  };

  // `on_change` is told of every change, in order, from whatever thread brings it; it must not
  // block nor call back. It is not ready before the first.
  explicit Readiness(std::function<void(bool ready)> on_change, const Clock* clock = Clock::Real());

  // What it should take of from now on. What is known of a queue that stays is kept.
  void Serve(const Config& config);

  void SetStateUp(bool up);
  void SetBrokerUp(bool up);
  // Why the broker cannot be reached, for people; until it is up.
  void SetBrokerUnreachable(const std::string& why);
  // Why nothing is taken of this queue; empty: it is consumed. Nothing happens for a queue that
  // is not served.
  void SetQueueProblem(const std::string& queue, absl::string_view why);
  // In place of what state refused before.
  void SetRefusals(const std::vector<Refusal>& refusals);
  // The worker takes no more, for good.
  void Drain();

  bool ready() const;
  // All that there are now: those of the whole worker first, then at most one of each queue.
  std::vector<Problem> problems() const;
  // Whether it takes of each queue that it serves, by name.
  std::map<std::string, bool> queues() const;

 private:
  enum class Link { kNotYet, kUp, kDown };

  struct Queue {
    std::vector<std::string> types;
    bool consumed_once = false;
    std::string problem;
  };

  std::vector<Problem> OfTheWorker() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The queue's own, of which there may be none.
  std::vector<Problem> OfQueue(const std::string& name, const Queue& queue) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Problem> Problems() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The message of the refusal that concerns these; null: there is none.
  const std::string* RefusalOf(const std::string& queue, const std::string& type) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakesOfAny() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After anything has changed.
  void Update() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void(bool ready)> on_change_;
  // Thread-safe.
  log::FaultCounter not_ready_;
  log::FaultCounter refused_;

  mutable Mutex mutex_;
  Link state_ ABSL_GUARDED_BY(mutex_) = Link::kNotYet;
  Link broker_ ABSL_GUARDED_BY(mutex_) = Link::kNotYet;
  std::string broker_problem_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Queue> queues_ ABSL_GUARDED_BY(mutex_);
  // Messages by queue and type.
  std::map<std::pair<std::string, std::string>, std::string> refusals_ ABSL_GUARDED_BY(mutex_);
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  // Why it is not ready, as the log was to say last; and whether the log says so, or nothing yet,
  // so that it has to say when it is.
  std::string told_ ABSL_GUARDED_BY(mutex_);
  bool is_told_ ABSL_GUARDED_BY(mutex_) = true;
};

// As metrics name it, such as "broker".
const char* ReasonName(Readiness::Reason reason);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_READINESS_H_
