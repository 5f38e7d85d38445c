// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_CONFIRM_WINDOW_H_
#define COMMON_AMQP_CONFIRM_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/functional/any_invocable.h"
#include "common/amqp/publisher.h"

namespace buzzer::amqp {

// The messages of one channel that the broker has not confirmed yet, by delivery
// tag: 1 for the first after confirm.select, then counting. Lives on one thread;
// callbacks run inside the calls that settle them and must not call back here.
class ConfirmWindow {
 public:
  using Done = absl::AnyInvocable<void(Fate) &&>;

  // The oldest message that is not confirmed; next_tag() if there is none.
  uint64_t oldest_tag() const { return first_tag_; }
  // The next message's delivery tag.
  uint64_t next_tag() const { return first_tag_ + entries_.size(); }
  void Add(Done done);

  // basic.return: the broker found no queue for it. Its ack follows.
  void MarkReturned(uint64_t tag);
  // basic.ack and basic.nack; with `multiple`, all up to `tag` (all, if it is 0).
  // Tags that are unknown or settled already are passed over.
  void Ack(uint64_t tag, bool multiple) { Settle(tag, multiple, Fate::kConfirmed); }
  void Nack(uint64_t tag, bool multiple) { Settle(tag, multiple, Fate::kRejected); }

  // The connection is lost: all are told kUnknown, and tags begin at 1 again.
  void Abandon();

  // From the oldest unconfirmed message to the newest, so that also what was
  // confirmed out of order is bounded.
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Done done;  // empty once told
    bool returned = false;
  };

  void Settle(uint64_t tag, bool multiple, Fate fate);

  std::deque<Entry> entries_;
  uint64_t first_tag_ = 1;
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_CONFIRM_WINDOW_H_
