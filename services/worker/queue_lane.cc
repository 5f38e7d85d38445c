// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/queue_lane.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/fault_counter.h"
#include "common/log/log.h"
#include "services/worker/boundary/dispatch_message.h"

namespace buzzer::worker {
namespace {

// A channel that can claim nothing for this long is closed.
constexpr absl::Duration kFullLimit = absl::Seconds(1);
// Where several types share a queue one may be full while another is not. What waits for
// the full one goes back to the broker; this long the other has to do without, too.
constexpr absl::Duration kHold = absl::Seconds(5);
// Between two looks at whether the prefetch has become too small.
constexpr absl::Duration kGrowInterval = absl::Seconds(1);
// Messages of several jobs: the next must be here as one is done.
constexpr int kLeastOfMany = 2;
// Messages within which the notion of how many jobs they have follows them down.
constexpr double kFallsWithin = 16;
constexpr absl::Duration kFirstRetry = absl::Milliseconds(200);
constexpr absl::Duration kMaxRetry = absl::Seconds(5);

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

ChannelAction QueueLane::Decide(bool allowed, int free, absl::Duration now) {
  next_decision_ = absl::InfiniteDuration();
  if (!allowed) return channel_ == 0 ? ChannelAction::kNone : ChannelAction::kClose;
  if (channel_ == 0) {
    if (free == 0) return ChannelAction::kNone;
    const absl::Duration open_at = std::max(hold_until_, retry_at_);
    if (now >= open_at) return ChannelAction::kOpen;
    next_decision_ = open_at;
    return ChannelAction::kNone;
  }
  // So many jobs would lie here while other workers have none.
  if (prefetch_ > kLeastOfMany && jobs_per_message_ >= 2 * opened_for_ &&
      now - opened_at_ >= kGrowInterval) {
    return ChannelAction::kReopen;
  }
  // What could be claimed was: whatever is left waits for a slot of its type.
  if (free == 0 || AnythingOffered()) {
    full_since_ = std::min(full_since_, now);
    if (now - full_since_ < kFullLimit) {
      next_decision_ = full_since_ + kFullLimit;
      return ChannelAction::kNone;
    }
    if (free > 0) hold_until_ = now + kHold;
    return ChannelAction::kClose;
  }
  full_since_ = absl::InfiniteDuration();
  if (free < 2 * prefetch_ * jobs_per_message_) return ChannelAction::kNone;
  if (now - opened_at_ >= kGrowInterval) return ChannelAction::kReopen;
  next_decision_ = opened_at_ + kGrowInterval;
  return ChannelAction::kNone;
}

int QueueLane::PrefetchFor(int free) const {
  if (jobs_per_message_ < 2) return free;
  return std::clamp(static_cast<int>(std::ceil(2 * free / jobs_per_message_)), kLeastOfMany,
                    std::max(free, kLeastOfMany));
}

void QueueLane::Opened(amqp::ChannelId channel, int prefetch, absl::Duration now) {
  channel_ = channel;
  prefetch_ = prefetch;
  opened_for_ = jobs_per_message_;
  opened_at_ = now;
}

void QueueLane::Closed() {
  channel_ = 0;
  full_since_ = absl::InfiniteDuration();
  for (auto& jobs : offered_) jobs.clear();
}

bool QueueLane::Failed(const absl::Status& why, absl::Duration now) {
  Closed();
  // Never at once: a queue that is not there is likely just being declared.
  retry_at_ = now + kFirstRetry + backoff_.Next();
  // State declares a new queue a moment after its worker has announced it.
  if (absl::IsNotFound(why) && !std::exchange(awaited_, true)) return false;
  return std::exchange(failure_, why.code()) != why.code();
}

bool QueueLane::Recovered() {
  backoff_.Reset();
  awaited_ = false;
  return std::exchange(failure_, absl::StatusCode::kOk) != absl::StatusCode::kOk;
}

bool QueueLane::Add(const amqp::Delivery& delivery) {
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
  for (DispatchedJob& job : dispatched.jobs) {
    ++message->unanswered;
    offered_[place - broker_queues_.begin()].push_back({job.id, std::move(job.type), message});
  }
  may_have_strangers_ = true;
  const double jobs = message->unanswered;
  jobs_per_message_ = std::max(jobs, jobs_per_message_ + (jobs - jobs_per_message_) / kFallsWithin);
  return true;
}

std::optional<OfferedJob> QueueLane::Take(const Slots& slots) {
  // Asked after every event of a busy worker: hundreds of offers are not looked through each
  // time to find that none can be claimed.
  if (slots.IsFull() && !may_have_strangers_) return std::nullopt;
  std::array<bool, kPriorities> waiting{};
  std::array<std::deque<OfferedJob>::iterator, kPriorities> first;
  for (size_t i = 0; i < kPriorities; ++i) {
    first[i] = std::find_if(offered_[i].begin(), offered_[i].end(), [&](const OfferedJob& job) {
      return slots.IsFree(job.type) || !slots.HasHandler(job.type);
    });
    waiting[i] = first[i] != offered_[i].end();
  }
  const auto priority = wheel_.Next(waiting);
  if (!priority.has_value()) {
    may_have_strangers_ = false;
    return std::nullopt;
  }
  // Not full: a slot was free just now.
  full_since_ = absl::InfiniteDuration();
  OfferedJob job = std::move(*first[*priority]);
  offered_[*priority].erase(first[*priority]);
  return job;
}

bool QueueLane::AnythingOffered() const {
  return std::any_of(offered_.begin(), offered_.end(),
                     [](const auto& jobs) { return !jobs.empty(); });
}

}  // namespace buzzer::worker
