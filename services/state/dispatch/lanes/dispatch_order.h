// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_LANES_DISPATCH_ORDER_H_
#define SERVICES_STATE_DISPATCH_LANES_DISPATCH_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace buzzer::state {

// The order in which one lane's messages went to its broker queue, whatever their types, and how
// far workers have got with them. The broker keeps the order, so a message that was sent long
// before one that has reached a worker was lost: in a busy lane that shows in no count.
//
// Messages that are sent at once are a batch, within which no order is known. Not thread-safe.
class DispatchOrder {
 public:
  // Not shorter than a worker keeps a message that it cannot run yet (QueueLane::kMaxUnclaimed):
  // a message that lies there is not lost.
  static constexpr absl::Duration kOvertakenAfter = absl::Minutes(5);

  void BeginBatch() { ++batch_; }
  // The one that was begun last; above 0.
  int64_t batch() const { return batch_; }

  // A worker was given a message of this batch.
  void Arrived(int64_t batch) { arrived_ = std::max(arrived_, batch); }

  // Returns a batch of which a message had reached a worker 5 min ago: what was sent in those
  // before it, and nobody has come for, is lost. Nothing when it has looked within the last 5 min.
  std::optional<int64_t> TakeOvertaken(absl::Duration now) {
    if (now - looked_at_ < kOvertakenAfter) return std::nullopt;
    looked_at_ = now;
    return std::exchange(arrived_before_, arrived_);
  }

 private:
  int64_t batch_ = 0;
  // The newest that has reached a worker: until now, and when TakeOvertaken looked last.
  int64_t arrived_ = 0;
  int64_t arrived_before_ = 0;
  absl::Duration looked_at_ = -absl::InfiniteDuration();
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_LANES_DISPATCH_ORDER_H_
