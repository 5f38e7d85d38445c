// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_BROKER_BROKER_QUEUES_H_
#define SERVICES_STATE_DISPATCH_BROKER_BROKER_QUEUES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace buzzer::state {

// How each of the broker's queues is: prepared (declared, and emptied of what an earlier
// connection left there), being prepared, or in trouble. Each by itself: the trouble of one
// neither delays nor deletes another.
//
// A broker that was killed as it made a quorum queue may know of it and yet not have it. Whoever
// then asks for that queue loses the connection (RabbitMQ 3.10 to a "541"), again and again, and
// which queue it was is not said. So the queues that were asked for when a connection was lost
// are suspects, which are asked for again one at a time on a connection of their own; one that
// loses that three times in a row is deleted, which heals it. A queue that has lost
// its leader for a moment is no such queue, and is left as it is.
//
// Not thread-safe; pure: the dispatcher does what it says.
class BrokerQueues {
 public:
  // Queues that are being prepared at once.
  static constexpr size_t kAtOnce = 32;
  // Connections that a suspect may lose before it is deleted.
  static constexpr int kStrikes = 3;
  // After a failure it is tried again this much later, doubling up to the other.
  static constexpr absl::Duration kFirstRetry = absl::Milliseconds(250);
  static constexpr absl::Duration kLongestRetry = absl::Seconds(8);

  // What is to be done about a queue: all of it on a connection of its own if `alone`.
  struct Step {
    std::string queue;
    bool alone = false;
    // First delete it.
    bool remake = false;
    // Only ask for it: it is prepared.
    bool check = false;
    // Goes to OnPrepared: a publishing connection came or went since, if it is not the newest.
    int64_t epoch = 0;
  };

  // What became of a preparation.
  enum class Outcome {
    kPrepared,  // Now: all that was dispatched to it goes again.
    kChecked,   // It had been prepared all the time.
    kFailed,    // It is tried again later.
    kStale,     // The queue is not there any more, or is to be prepared anew.
  };

  void Add(const std::string& queue) { queues_.try_emplace(queue); }
  void Remove(const std::string& queue) { queues_.erase(queue); }

  bool IsPrepared(const std::string& queue) const;
  // Its place to be prepared again: it is gone, or has more than it should.
  void Unprepare(const std::string& queue);
  // The same for all: the publishing connection came or went.
  void UnprepareAll();

  // What to do next at `now`: queues for which `first` is true (they have jobs) before the others.
  // OnPrepared must follow for each.
  std::vector<Step> Begin(absl::Duration now, const std::function<bool(const std::string&)>& first);
  // `status` is how the preparation went, ABORTED if the connection was lost.
  Outcome OnPrepared(const Step& step, const absl::Status& status, absl::Duration now);

  // The connection was lost as a prepared queue was looked at.
  void Suspect(const std::string& queue);

  // Whether this failure is to be told: the first of a row, and from then on those by whose number
  // the delay has doubled.
  bool IsNews(const std::string& queue) const;

  size_t size() const { return queues_.size(); }
  // Queues that are not prepared.
  size_t unprepared() const;

 private:
  struct Queue {
    bool prepared = false;
    bool busy = false;
    bool suspect = false;
    // Connections that it lost by itself, in a row.
    int strikes = 0;
    int failures = 0;
    absl::Duration retry_at = -absl::InfiniteDuration();
  };

  std::map<std::string, Queue> queues_;
  int64_t epoch_ = 0;
  size_t busy_ = 0;  // Of those with others.
  bool alone_ = false;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_BROKER_BROKER_QUEUES_H_
