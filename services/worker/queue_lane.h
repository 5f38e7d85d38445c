// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_QUEUE_LANE_H_
#define SERVICES_WORKER_QUEUE_LANE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/amqp/consumer.h"
#include "common/backoff/backoff.h"
#include "common/job_id/job_id.h"
#include "services/worker/priority_wheel.h"
#include "services/worker/slots.h"

namespace buzzer::worker {

// A message that the broker has pushed; it is acked when all of its jobs are answered.
struct OpenMessage {
  amqp::ChannelId channel = 0;
  uint64_t tag = 0;
  int unanswered = 0;
};

// A job that the broker has offered and that is not claimed yet.
struct OfferedJob {
  JobId id;
  std::string type;
  std::shared_ptr<OpenMessage> message;
};

// What a queue's channel should do next.
enum class ChannelAction { kNone, kOpen, kClose, kReopen };

// One queue's consuming channel, and what lies there unclaimed, by priority: when to open
// and close the channel, and which job is next. Pure: the caller carries it out.
// Not thread-safe.
class QueueLane {
 public:
  QueueLane(absl::string_view prefix, std::string queue);

  const std::string& queue() const { return queue_; }
  // The broker queues of the three priorities.
  const std::vector<std::string>& broker_queues() const { return broker_queues_; }

  // What to do at `now` with `free` slots for this queue, after everything that can be
  // claimed was taken; a channel may be opened at all only if `allowed`. A channel that
  // has been full for a second is closed, so that what lies there goes to other workers;
  // one that was opened with far fewer free slots than there are now, or for messages of far
  // fewer jobs than come now, is opened anew.
  ChannelAction Decide(bool allowed, int free, absl::Duration now);
  // When to ask again though nothing has happened.
  absl::Duration next_decision() const { return next_decision_; }

  // Messages that a channel which is opened now should prefetch, for so many free slots: as
  // many jobs, or up to twice as many where messages carry several.
  int PrefetchFor(int free) const;
  // The caller has opened a channel, or closed it, or lost it with the connection. What
  // lay there is forgotten: the broker gives it to somebody again.
  void Opened(amqp::ChannelId channel, int prefetch, absl::Duration now);
  void Closed();
  // The broker has closed it: the next one is opened after a while. True if that is news:
  // the last one did not fail, or for another reason. That the queue is not there is news
  // only the second time.
  bool Failed(const absl::Status& why, absl::Duration now);
  // The first delivery after a failure. True if the failure was news.
  bool Recovered();
  // A slot has become free; a channel that is closed may open now.
  void SlotFreed() { hold_until_ = absl::ZeroDuration(); }

  // 0: none.
  amqp::ChannelId channel() const { return channel_; }
  // For each of the three broker queues; 0 without a channel.
  int prefetch() const { return channel_ == 0 ? 0 : prefetch_; }

  // Takes a message of this channel in. Whether there is a job in it; otherwise it is to
  // be acked at once.
  bool Add(const amqp::Delivery& delivery);

  // The next job that can be claimed: its type has a free slot, or no handler here, so
  // that it is only claimed to be given back.
  std::optional<OfferedJob> Take(const Slots& slots);

 private:
  bool AnythingOffered() const;

  const std::string queue_;
  const std::vector<std::string> broker_queues_;
  std::array<std::deque<OfferedJob>, kPriorities> offered_;
  // Among them may be jobs without a handler here, which need no slot.
  bool may_have_strangers_ = false;
  PriorityWheel wheel_;

  amqp::ChannelId channel_ = 0;
  int prefetch_ = 0;
  // Jobs of a message lately: rises at once, falls slowly. And as the channel was opened.
  double jobs_per_message_ = 1;
  double opened_for_ = 1;
  absl::Duration opened_at_;
  // Since when nothing more could be claimed.
  absl::Duration full_since_ = absl::InfiniteDuration();
  // A closed channel stays closed until then, unless a slot becomes free.
  absl::Duration hold_until_;
  // The same after a failure, whatever becomes free.
  absl::Duration retry_at_;
  absl::Duration next_decision_ = absl::InfiniteDuration();
  // The queue was not there once.
  bool awaited_ = false;
  // Of the last failure that was news.
  absl::StatusCode failure_ = absl::StatusCode::kOk;
  Backoff backoff_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_QUEUE_LANE_H_
