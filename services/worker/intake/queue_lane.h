// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_INTAKE_QUEUE_LANE_H_
#define SERVICES_WORKER_INTAKE_QUEUE_LANE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
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
#include "services/worker/intake/priority_turns.h"
#include "services/worker/intake/slots.h"

namespace buzzer::worker {

// A message that the broker has pushed; it is acked when all of its jobs are answered.
struct OpenMessage {
  amqp::ChannelId channel = 0;
  uint64_t tag = 0;
  size_t priority = 0;
  // On the monotonic clock.
  absl::Duration arrived_at;
  int unanswered = 0;
};

// A job that the broker has offered and that is not claimed yet.
struct OfferedJob {
  JobId id;
  std::string type;
  std::shared_ptr<OpenMessage> message;
};

// What to do about a queue's channels now.
struct ChannelPlan {
  std::vector<amqp::ChannelId> close;
  // One more is opened with this prefetch; 0: none.
  int open_prefetch = 0;
};

// One queue's consuming channels, and what lies there unclaimed: which job is next, and when to
// open another channel. docs/intake.md states the rule. Pure: the caller carries it out.
//
// Channels stay open while the worker is full: closing one gives its messages back, and a broker
// may drop a message that came back too often. The worker holds a few unclaimed messages for
// each slot instead. What lies here while another worker has nothing to do, the state service
// dispatches to that one again, and what has lain here for long is given back through it.
// Not thread-safe.
class QueueLane {
 public:
  // A message that was not claimed for this long is given back through the state service: long
  // before the broker's own limit for a delivery (30 min) closes its channel.
  static constexpr absl::Duration kMaxUnclaimed = absl::Minutes(5);
  // Of what Hello says of a queue, without the three dots of what was cut.
  static constexpr size_t kMaxProblemBytes = 512 - 3;

  QueueLane(absl::string_view prefix, std::string queue);

  const std::string& queue() const { return queue_; }
  // The broker queues of the three priorities.
  const std::vector<std::string>& broker_queues() const { return broker_queues_; }

  // What to do at `now`, after everything that can be claimed was taken. Channels are open only
  // if `allowed`. The first one is opened once a slot is free. Where slots are free and yet the
  // channels are taken up by messages of types that are full, another one lets more messages
  // pass them by; it is closed again when it has been of no use for a minute and nothing of it lies
  // here.
  ChannelPlan Decide(bool allowed, const Slots& slots, absl::Duration now);
  // When to ask again though nothing has happened.
  absl::Duration next_decision() const { return next_decision_; }

  // The caller has opened the channel of a plan.
  void Opened(amqp::ChannelId channel, int prefetch, absl::Duration now);
  // The caller has closed one of a plan; or it is lost. What lay there is forgotten: the broker
  // gives it to somebody again.
  void Closed(amqp::ChannelId channel);
  void ClosedAll();
  // The broker has closed a channel: the others are to be closed too, which the next plan says,
  // and the next one is opened after a while. True if that is news: the last one did not fail,
  // or for another reason. That the queue is not there is news only the second time.
  bool Failed(amqp::ChannelId channel, const absl::Status& why, absl::Duration now);
  // Notes that all is well once the channels have lived for so long that the broker will not refuse
  // them any more, or there was a delivery. True if there was a failure that was news.
  bool Recovered(absl::Duration now);
  // Why nothing can be taken of this queue, as the last failure said, in a line of at most 512
  // bytes; empty: all is well.
  std::string problem() const;

  bool Has(amqp::ChannelId channel) const { return channels_.contains(channel); }
  // Most messages of each of the three broker queues that may lie here unacked; 0 without a
  // channel.
  int prefetch() const;

  // Takes a message of a channel in. Whether there is a job in it; otherwise it is to
  // be acked at once.
  bool Add(const amqp::Delivery& delivery, absl::Duration now);
  // The message was acked.
  void Acked(const OpenMessage& message);

  // The next job that can be claimed: its type has a free slot, or no handler here, so
  // that it is only claimed to be given back. Among those of a priority the one that came
  // first; among priorities as PriorityTurns says.
  std::optional<OfferedJob> Take(const Slots& slots, absl::Duration now);
  // A job that has lain here for kMaxUnclaimed.
  std::optional<OfferedJob> TakeOverdue(absl::Duration now);
  // The handlers or their slots have changed.
  void Reconfigured() { may_have_strangers_ = is_reconfigured_ = true; }

 private:
  struct Channel {
    int prefetch = 0;
    std::array<int, kPriorities> unacked{};
  };
  struct Offer {
    int64_t place = 0;
    OfferedJob job;
  };
  using OffersByType = std::map<std::string, std::deque<Offer>>;

  OfferedJob TakeFirst(OffersByType& offers, OffersByType::iterator of);
  bool IsSettling(absl::Duration now) const;
  bool IsTakenUp() const;
  void PlanNarrowing(absl::Duration now, ChannelPlan& plan);

  const std::string queue_;
  const std::vector<std::string> broker_queues_;
  std::map<amqp::ChannelId, Channel> channels_;
  // By priority.
  std::array<OffersByType, kPriorities> offered_;
  int64_t last_place_ = 0;
  // Among them may be jobs without a handler here, which need no slot.
  bool may_have_strangers_ = false;
  PriorityTurns turns_;
  // The channels may be too narrow or too wide now.
  bool is_reconfigured_ = false;

  absl::Duration opened_at_ = -absl::InfiniteDuration();
  // The priorities that have delivered since the first channel was opened.
  std::array<bool, kPriorities> delivered_{};
  // Since when slots are free and the channels taken up.
  absl::Duration taken_up_since_ = absl::InfiniteDuration();
  // When more than the first channel was of use last.
  absl::Duration wide_at_ = -absl::InfiniteDuration();
  // After a failure, whatever becomes free.
  absl::Duration retry_at_;
  absl::Duration next_decision_ = absl::InfiniteDuration();
  // The queue was not there once.
  bool awaited_ = false;
  // The last failure that was news.
  absl::Status failure_;
  Backoff backoff_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_INTAKE_QUEUE_LANE_H_
