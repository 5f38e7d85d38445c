// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_LANES_LANE_TABLE_H_
#define SERVICES_STATE_DISPATCH_LANES_LANE_TABLE_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/job_id/job_id.h"
#include "services/state/dispatch/lanes/dispatch_lane.h"
#include "services/state/queues/worker_slots.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Every lane: each queue has one for each priority, with a broker queue for its messages. Workers
// consume all broker queues of a queue or none of them, so a queue's lanes come and go together,
// and this table answers what concerns the queue as a whole.
//
// Owns the lanes. Not thread-safe; pure: the dispatcher calls it under its lock.
class LaneTable {
 public:
  struct Entry {
    DispatchLane rows;
    std::string broker_queue;
    // Nothing is dispatched before then: the broker refused, there was no such queue, or the
    // outbox could not be read.
    absl::Duration retry_at = -absl::InfiniteDuration();
  };

  // Broker queues are named PREFIX.QUEUE.high, .normal and .low.
  explicit LaneTable(std::string queue_prefix) : queue_prefix_(std::move(queue_prefix)) {}

  // Adds the lanes of a queue; returns their broker queues, none if it has been added before.
  std::vector<std::string> Add(const std::string& queue);
  // Takes out the lanes of a queue; returns their broker queues. Leaves them, and returns none, if
  // a row of any is known.
  std::vector<std::string> Remove(const std::string& queue);

  // Null if there is no such lane. Valid until it is removed.
  Entry* Find(const Lane& lane);
  // The lane whose messages go to this broker queue. As above.
  const Lane* LaneOf(const std::string& broker_queue) const;
  // Of all queues, and of one.
  std::map<Lane, Entry>& all() { return lanes_; }
  const std::map<Lane, Entry>& all() const { return lanes_; }
  std::vector<Lane> LanesOf(const std::string& queue) const;

  // Rows that are out at the broker.
  size_t out() const;
  std::set<std::string> QueuesWithRows() const;

  // Tells the lanes of a queue which workers serve it (see DispatchLane::SetWorkers).
  void SetWorkers(const std::string& queue, int workers,
                  const std::map<std::string, WorkerSlots::Type>& types);
  // Jobs of a queue that lie unclaimed, by type: at most one for each idle slot, those of the
  // higher priority first.
  std::map<std::string, std::vector<JobId>> TakeHoarded(
      const std::string& queue, const std::map<std::string, WorkerSlots::Type>& types,
      absl::Duration now);

 private:
  const std::string queue_prefix_;
  std::map<Lane, Entry> lanes_;
  std::map<std::string, Lane> by_broker_queue_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_LANES_LANE_TABLE_H_
