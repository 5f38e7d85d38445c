// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/queue_lane.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/fault_counter.h"
#include "common/log/log.h"
#include "common/utf8/utf8.h"
#include "services/worker/boundary/dispatch_message.h"

namespace buzzer::worker {
namespace {

// Of the first channel. Two, so that one is here while the next is on its way; and not more than
// this, since a message of a busy queue carries several jobs, which other workers could do.
constexpr int kMinPrefetch = 2;
constexpr int kMaxFirstPrefetch = 32;
// Over all channels. The state service dispatches fewer jobs of a type than that.
constexpr int kMaxPrefetch = 10'000;
// A channel's first messages come in any order; nothing is taken before each priority has had
// this long to send one, or the first ten would not be six, three and one.
constexpr absl::Duration kSettle = absl::Milliseconds(50);
// Slots are free, and what takes up the channels does not move: it waits for a slot of its type.
constexpr absl::Duration kTakenUp = absl::Milliseconds(50);
// A further channel was of no use for so long.
constexpr absl::Duration kNarrowAfter = absl::Minutes(1);
constexpr absl::Duration kFirstRetry = absl::Milliseconds(200);
constexpr absl::Duration kMaxRetry = absl::Seconds(5);
// The broker refuses a channel within 5 s; one that lives longer is well.
constexpr absl::Duration kTrusted = absl::Seconds(6);

int FirstPrefetch(int slots) { return std::clamp(slots, kMinPrefetch, kMaxFirstPrefetch); }

std::vector<std::string> BrokerQueues(absl::string_view prefix, absl::string_view queue) {
  std::vector<std::string> names;
  names.reserve(kPriorities);
  for (const char* priority : kPriorityNames) {
    names.push_back(absl::StrCat(prefix, ".", queue, ".", priority));
  }
  return names;
}

// Whoever may log in at the broker may send as many as they like.
void LogFault(const std::string& queue, const std::string& fault, size_t bytes) {
  static auto* const faults = new log::FaultCounter;
  if (const int64_t times = faults->Note(queue); times > 0) {
    log::Error("dispatch_not_understood",
               {{"queue", queue}, {"times", times}, {"bytes", bytes}, {"error", fault}});
  }
}

}  // namespace

QueueLane::QueueLane(absl::string_view prefix, std::string queue)
    : queue_(std::move(queue)),
      broker_queues_(BrokerQueues(prefix, queue_)),
      backoff_(kFirstRetry, kMaxRetry) {}

ChannelPlan QueueLane::Decide(bool allowed, const Slots& slots, absl::Duration now) {
  next_decision_ = absl::InfiniteDuration();
  ChannelPlan plan;
  if (!allowed || now < retry_at_) {
    for (const auto& [id, channel] : channels_) plan.close.push_back(id);
    if (allowed) next_decision_ = retry_at_;
    return plan;
  }
  const int first_prefetch = FirstPrefetch(slots.LimitOf(queue_));
  if (std::exchange(is_reconfigured_, false) && !channels_.empty() &&
      channels_.begin()->second.prefetch != first_prefetch) {
    for (const auto& [id, channel] : channels_) plan.close.push_back(id);
    next_decision_ = now;
    return plan;
  }
  const int free = slots.FreeOf(queue_);
  if (channels_.empty()) {
    if (free > 0) plan.open_prefetch = first_prefetch;
    return plan;
  }
  if (IsSettling(now)) next_decision_ = opened_at_ + kSettle;
  if (!IsTakenUp()) {
    taken_up_since_ = absl::InfiniteDuration();
    PlanNarrowing(now, plan);
    return plan;
  }
  wide_at_ = now;
  if (free == 0 || prefetch() >= kMaxPrefetch) {
    taken_up_since_ = absl::InfiniteDuration();
    return plan;
  }
  taken_up_since_ = std::min(taken_up_since_, now);
  if (now - taken_up_since_ >= kTakenUp) {
    plan.open_prefetch = std::min(prefetch(), kMaxPrefetch - prefetch());
  } else {
    next_decision_ = std::min(next_decision_, taken_up_since_ + kTakenUp);
  }
  return plan;
}

void QueueLane::PlanNarrowing(absl::Duration now, ChannelPlan& plan) {
  if (channels_.size() < 2) return;
  if (now - wide_at_ < kNarrowAfter) {
    next_decision_ = std::min(next_decision_, wide_at_ + kNarrowAfter);
    return;
  }
  // Once more after a while, if a message of it lies here just now.
  wide_at_ = now;
  next_decision_ = std::min(next_decision_, now + kNarrowAfter);
  const auto& [id, newest] = *channels_.rbegin();
  const bool is_empty = std::all_of(newest.unacked.begin(), newest.unacked.end(),
                                    [](int unacked) { return unacked == 0; });
  if (is_empty) plan.close.push_back(id);
}

bool QueueLane::IsSettling(absl::Duration now) const {
  return now - opened_at_ < kSettle && !std::all_of(delivered_.begin(), delivered_.end(),
                                                    [](bool delivered) { return delivered; });
}

bool QueueLane::IsTakenUp() const {
  for (size_t priority = 0; priority < kPriorities; ++priority) {
    const bool is_full = std::all_of(channels_.begin(), channels_.end(), [&](const auto& entry) {
      return entry.second.unacked[priority] >= entry.second.prefetch;
    });
    if (is_full && !offered_[priority].empty()) return true;
  }
  return false;
}

void QueueLane::Opened(amqp::ChannelId channel, int prefetch, absl::Duration now) {
  if (channels_.empty()) {
    opened_at_ = now;
    delivered_ = {};
  } else {
    wide_at_ = now;
  }
  channels_[channel].prefetch = prefetch;
  taken_up_since_ = absl::InfiniteDuration();
}

void QueueLane::Closed(amqp::ChannelId channel) {
  if (channels_.erase(channel) == 0) return;
  for (OffersByType& offers : offered_) {
    for (auto it = offers.begin(); it != offers.end();) {
      std::erase_if(it->second,
                    [&](const Offer& offer) { return offer.job.message->channel == channel; });
      it = it->second.empty() ? offers.erase(it) : std::next(it);
    }
  }
}

void QueueLane::ClosedAll() {
  channels_.clear();
  for (OffersByType& offers : offered_) offers.clear();
}

bool QueueLane::Failed(amqp::ChannelId channel, const absl::Status& why, absl::Duration now) {
  Closed(channel);
  // Never at once: a queue that is not there is likely just being declared.
  retry_at_ = now + kFirstRetry + backoff_.Next();
  // State declares a new queue a moment after its worker has announced it.
  if (absl::IsNotFound(why) && !std::exchange(awaited_, true)) return false;
  return std::exchange(failure_, why).code() != why.code();
}

bool QueueLane::Recovered(absl::Duration now) {
  if (failure_.ok() && !awaited_) return false;
  const bool has_delivered =
      std::find(delivered_.begin(), delivered_.end(), true) != delivered_.end();
  if (channels_.empty() || (!has_delivered && now - opened_at_ < kTrusted)) return false;
  backoff_.Reset();
  awaited_ = false;
  return !std::exchange(failure_, absl::OkStatus()).ok();
}

std::string QueueLane::problem() const {
  // The broker's own words.
  return failure_.ok() ? "" : OneLine(failure_.message(), kMaxProblemBytes);
}

int QueueLane::prefetch() const {
  int sum = 0;
  for (const auto& [id, channel] : channels_) sum += channel.prefetch;
  return sum;
}

bool QueueLane::Add(const amqp::Delivery& delivery, absl::Duration now) {
  DispatchedJobs dispatched = ReadDispatchMessage(delivery.body);
  const auto place = std::find(broker_queues_.begin(), broker_queues_.end(), delivery.queue);
  if (place == broker_queues_.end()) {
    dispatched.fault = "it is from none of this queue's broker queues";
    dispatched.jobs.clear();
  }
  if (!dispatched.fault.empty()) LogFault(queue_, dispatched.fault, delivery.body.size());
  if (dispatched.jobs.empty()) return false;
  auto message = std::make_shared<OpenMessage>();
  message->channel = delivery.channel;
  message->tag = delivery.tag;
  message->priority = static_cast<size_t>(place - broker_queues_.begin());
  message->arrived_at = now;
  delivered_[message->priority] = true;
  ++channels_[delivery.channel].unacked[message->priority];
  for (DispatchedJob& job : dispatched.jobs) {
    ++message->unanswered;
    std::string type = job.type;
    offered_[message->priority][std::move(type)].push_back(
        {++last_place_, {job.id, std::move(job.type), message}});
  }
  may_have_strangers_ = true;
  return true;
}

void QueueLane::Acked(const OpenMessage& message) {
  const auto channel = channels_.find(message.channel);
  if (channel != channels_.end()) --channel->second.unacked[message.priority];
}

std::optional<OfferedJob> QueueLane::Take(const Slots& slots, absl::Duration now) {
  // Asked after every event of a busy worker: what is offered is not looked through each
  // time to find that none can be claimed.
  if (IsSettling(now) || (slots.IsFull() && !may_have_strangers_)) return std::nullopt;
  std::array<bool, kPriorities> can_be_taken{};
  std::array<OffersByType::iterator, kPriorities> first;
  for (size_t i = 0; i < kPriorities; ++i) {
    first[i] = offered_[i].end();
    for (auto it = offered_[i].begin(); it != offered_[i].end(); ++it) {
      if (!slots.IsFree(it->first) && slots.HasHandler(it->first)) continue;
      const bool is_earlier = first[i] == offered_[i].end() ||
                              it->second.front().place < first[i]->second.front().place;
      if (is_earlier) first[i] = it;
    }
    can_be_taken[i] = first[i] != offered_[i].end();
  }
  const auto priority = turns_.Take(can_be_taken);
  if (!priority.has_value()) {
    may_have_strangers_ = false;
    return std::nullopt;
  }
  return TakeFirst(offered_[*priority], first[*priority]);
}

std::optional<OfferedJob> QueueLane::TakeOverdue(absl::Duration now) {
  absl::Duration next = absl::InfiniteDuration();
  for (OffersByType& offers : offered_) {
    for (auto it = offers.begin(); it != offers.end(); ++it) {
      const absl::Duration due = it->second.front().job.message->arrived_at + kMaxUnclaimed;
      if (due <= now) return TakeFirst(offers, it);
      next = std::min(next, due);
    }
  }
  next_decision_ = std::min(next_decision_, next);
  return std::nullopt;
}

OfferedJob QueueLane::TakeFirst(OffersByType& offers, OffersByType::iterator of) {
  OfferedJob job = std::move(of->second.front().job);
  of->second.pop_front();
  if (of->second.empty()) offers.erase(of);
  return job;
}

}  // namespace buzzer::worker
