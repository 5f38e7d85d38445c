// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_LOST_MESSAGES_H_
#define SERVICES_STATE_DISPATCH_LOST_MESSAGES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/amqp/publisher.h"
#include "services/state/dispatch/broker/broker_queues.h"
#include "services/state/dispatch/lanes/lane_table.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Finds what the broker has lost of the lanes' messages, or has beyond them: says whose broker
// queues are to be inspected, and draws the conclusion from what the broker says of one. Where
// much is wrong it has the broker queue prepared again, so that all of its lane goes again; where
// only some rows are missed it takes those back.
//
// Owns when each lane is inspected next; the lanes and the queues are the dispatcher's, which
// calls it under the lock of those. Not thread-safe.
class LostMessages {
 public:
  static constexpr absl::Duration kInspectInterval = absl::Seconds(5);
  // Of a lane that has nothing out: workers need its broker queue all the same.
  static constexpr absl::Duration kIdleInspectInterval = absl::Seconds(30);

  struct Inspection {
    Lane lane;
    std::string broker_queue;
  };

  // Both must outlive it.
  LostMessages(LaneTable* lanes, BrokerQueues* queues) : lanes_(lanes), queues_(queues) {}

  // The lane's broker queue was prepared, which is as good as an inspection.
  void OnPrepared(const Lane& lane, absl::Duration now);

  // Which broker queues to inspect at `now`. OnInspected is to follow, but nothing depends on it.
  std::vector<Inspection> Begin(absl::Duration now);
  // What the broker says of the lane's broker queue, `prefetch` being the messages that may lie at
  // workers. Returns whether there is now something to prepare or to send.
  bool OnInspected(const Lane& lane, const absl::StatusOr<amqp::QueueInfo>& info, int64_t prefetch,
                   absl::Duration now);

  // The lane's broker queue is gone, so those of its queue's other priorities may be as well:
  // these are prepared again too, unless they have rows out, which an inspection sees to. Workers
  // consume all of them or none.
  void OnQueueGone(const Lane& lane);

 private:
  struct Times {
    absl::Duration inspect_at;
    absl::Duration idle_inspect_at;  // The next one while no row is out.
  };

  LaneTable* const lanes_;
  BrokerQueues* const queues_;
  // Of lanes whose broker queues have been prepared.
  std::map<Lane, Times> times_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_LOST_MESSAGES_H_
