// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/fault_points/fault_points.h"
#include "common/log/log.h"
#include "common/version/version.h"
#include "services/worker/boundary/granted.h"
#include "services/worker/durations.h"

namespace buzzer::worker {
namespace {

using ClaimMessage = internal::v1::Claim;

constexpr absl::Duration kWarningInterval = absl::Seconds(30);
constexpr size_t kMaxWarnedTypes = 100;

absl::flat_hash_map<std::string, HandlerConfig> ByType(const Config& config) {
  absl::flat_hash_map<std::string, HandlerConfig> handlers;
  for (const HandlerConfig& handler : config.handlers) handlers[handler.type] = handler;
  return handlers;
}

std::vector<QueueLane> MakeLanes(const Config& config, absl::string_view prefix) {
  std::vector<QueueLane> lanes;
  for (const HandlerConfig& handler : config.handlers) {
    const bool known = std::any_of(lanes.begin(), lanes.end(), [&](const QueueLane& lane) {
      return lane.queue() == handler.queue;
    });
    if (!known) lanes.emplace_back(prefix, handler.queue);
  }
  return lanes;
}

absl::string_view AnswerName(const internal::v1::ClaimAnswer& answer) {
  using internal::v1::Returned;
  if (answer.has_granted()) return "granted";
  if (!answer.has_returned()) return "gone";
  switch (answer.returned().reason()) {
    case Returned::REASON_PAUSED:
      return "paused";
    case Returned::REASON_DRAINING:
      return "draining";
    case Returned::REASON_NO_HANDLER:
      return "no_handler";
    default:
      return "returned";
  }
}

}  // namespace

Intake::Intake(Options options)
    : options_(std::move(options)),
      handlers_(ByType(options_.config)),
      types_without_handler_(kWarningInterval, kMaxWarnedTypes, options_.clock),
      unsound_answers_(kWarningInterval, kMaxWarnedTypes, options_.clock),
      slots_(options_.config),
      lanes_(MakeLanes(options_.config, options_.broker_queue_prefix)),
      thread_(options_.clock, [this] { return Tick(); }) {}

void Intake::Start(amqp::Consumer* consumer) {
  thread_.Start();
  MutexLock lock(&mutex_);
  consumer_ = consumer;
  // Its callbacks may have come before we knew it.
  broker_up_ = consumer->up();
  Advance();
}

void Intake::Stop() {
  thread_.Stop();
  MutexLock lock(&mutex_);
  consumer_ = nullptr;
}

void Intake::Drain() {
  MutexLock lock(&mutex_);
  draining_ = true;
  hello_is_stale_ = true;
  options_.session->ReturnClaims();
  Advance();
}

bool Intake::AwaitNoClaims(absl::Duration limit) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit);
  MutexLock lock(&mutex_);
  while (!claims_.empty() || handing_on_ > 0) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    answered_.WaitFor(&mutex_, left);
  }
  return true;
}

void Intake::OnBrokerUp() {
  MutexLock lock(&mutex_);
  broker_up_ = true;
  Advance();
}

void Intake::OnBrokerDown() {
  MutexLock lock(&mutex_);
  broker_up_ = false;
  for (QueueLane& lane : lanes_) lane.Closed();
  hello_is_stale_ = true;
  Advance();
}

void Intake::OnBrokerDelivery(const amqp::Delivery& delivery) {
  MutexLock lock(&mutex_);
  QueueLane* const lane = LaneOf(delivery.channel);
  if (lane == nullptr || consumer_ == nullptr) return;
  if (lane->Recovered()) log::Info("queue_consumed_again", {{"queue", lane->queue()}});
  // Planted bug, never in a real build: the ack comes before the claim.
  const bool ack_now = BUZZER_PLANTED("ack_before_claim");
  if (!lane->Add(delivery) || ack_now) consumer_->Ack(delivery.channel, delivery.tag);
  Advance();
}

void Intake::OnBrokerClosed(amqp::ChannelId channel, const absl::Status& why) {
  MutexLock lock(&mutex_);
  QueueLane* const lane = LaneOf(channel);
  if (lane == nullptr) return;
  hello_is_stale_ = true;
  if (lane->Failed(why, options_.clock->Monotonic())) {
    log::Warning("queue_not_consumed", {{"queue", lane->queue()}, {"error", why.ToString()}});
  }
  Advance();
}

void Intake::OnStateUp() {
  MutexLock lock(&mutex_);
  state_up_ = true;
  Advance();
}

void Intake::OnStateDown() {
  MutexLock lock(&mutex_);
  // Nobody can claim now: what the broker offers is better off with it. Claims that were
  // sent keep their slots until they are answered on the next stream, since a grant may
  // have been committed.
  state_up_ = false;
  Advance();
}

void Intake::OnClaimAnswer(internal::v1::ClaimAnswer& answer) {
  options_.events->OnClaimAnswered(AnswerName(answer));
  JobId job;
  bool unwanted = false;
  {
    MutexLock lock(&mutex_);
    const auto it = claims_.find(answer.claim_id());
    if (it == claims_.end()) return;
    const PendingClaim claim = std::move(it->second);
    claims_.erase(it);
    job = claim.job;
    // What cannot be run is left alone: the lease runs out, and that counts as an attempt, so that
    // it comes to an end.
    if (answer.has_granted() && !IsSound(answer, claim)) answer.mutable_gone();
    ++handing_on_;
    if (claim.message != nullptr) Answered(*claim.message);
    // The type that the message told may be wrong only if two installations share a
    // broker and a prefix; whoever knows better may have the job.
    const bool fits = claim.holds_slot && answer.granted().type() == claim.type;
    unwanted = answer.has_granted() && (draining_ || !fits);
    if (claim.holds_slot && (unwanted || !answer.has_granted())) slots_.Free(claim.type);
    if (unwanted) slots_.AddWaitingOutcome();
    Advance();
  }
  if (answer.has_granted()) {
    auto& granted = *answer.mutable_granted();
    (unwanted ? options_.on_unwanted : options_.on_granted)(job, std::move(granted));
  }
  MutexLock lock(&mutex_);
  --handing_on_;
  answered_.NotifyAll();
}

void Intake::OnReturned(const std::string& type, bool outcome_waits) {
  MutexLock lock(&mutex_);
  slots_.Free(type);
  if (outcome_waits) slots_.AddWaitingOutcome();
  for (QueueLane& lane : lanes_) {
    if (lane.queue() == handlers_.at(type).queue) lane.SlotFreed();
  }
  Advance();
}

void Intake::OnOutcomeSettled() {
  MutexLock lock(&mutex_);
  slots_.RemoveWaitingOutcome();
  Advance();
}

int Intake::slots_busy() const {
  MutexLock lock(&mutex_);
  return slots_.busy();
}

bool Intake::broker_up() const {
  MutexLock lock(&mutex_);
  return broker_up_;
}

absl::Duration Intake::Tick() {
  MutexLock lock(&mutex_);
  Advance();
  absl::Duration next = absl::InfiniteDuration();
  for (const QueueLane& lane : lanes_) next = std::min(next, lane.next_decision());
  return next;
}

void Intake::Advance() {
  ClaimWhatFits();
  TendChannels();
  if (std::exchange(hello_is_stale_, false)) options_.session->SetHello(MakeHello());
  for (const QueueLane& lane : lanes_) thread_.Schedule(lane.next_decision());
}

void Intake::ClaimWhatFits() {
  if (!state_up_ || draining_) return;
  size_t passed_over = 0;
  while (passed_over < lanes_.size()) {
    auto job = lanes_[turn_].Take(slots_);
    turn_ = (turn_ + 1) % lanes_.size();
    if (job.has_value()) {
      Claim(*std::move(job));
      passed_over = 0;
    } else {
      ++passed_over;
    }
  }
}

void Intake::Claim(OfferedJob job) {
  ClaimMessage claim;
  claim.set_claim_id(RandomBytes(16));
  claim.set_job_id(std::string(job.id.bytes()));
  const bool has_handler = slots_.HasHandler(job.type);
  if (has_handler) {
    const HandlerConfig& handler = handlers_.at(job.type);
    slots_.Take(job.type);
    claim.set_intent(ClaimMessage::INTENT_RUN);
    *claim.mutable_grace() = ToProto(handler.grace);
    if (handler.attempt_timeout > absl::ZeroDuration()) {
      *claim.mutable_attempt_timeout() = ToProto(handler.attempt_timeout);
    }
  } else {
    WarnOfNoHandler(job.type);
    claim.set_intent(ClaimMessage::INTENT_RETURN_NO_HANDLER);
  }
  claims_[claim.claim_id()] = {std::move(job.message), job.id, std::move(job.type), has_handler};
  options_.session->Claim(std::move(claim));
}

void Intake::TendChannels() {
  if (consumer_ == nullptr) return;
  const bool allowed = broker_up_ && state_up_ && !draining_;
  const absl::Duration now = options_.clock->Monotonic();
  for (QueueLane& lane : lanes_) {
    const int free = slots_.FreeOf(lane.queue());
    switch (lane.Decide(allowed, free, now)) {
      case ChannelAction::kNone:
        break;
      case ChannelAction::kOpen:
        Open(lane, free);
        break;
      case ChannelAction::kClose:
        Close(lane);
        break;
      case ChannelAction::kReopen:
        Close(lane);
        Open(lane, free);
        break;
    }
  }
}

void Intake::Open(QueueLane& lane, int free) {
  hello_is_stale_ = true;
  const int prefetch = lane.PrefetchFor(free);
  lane.Opened(consumer_->Open(lane.broker_queues(), prefetch), prefetch,
              options_.clock->Monotonic());
}

void Intake::Close(QueueLane& lane) {
  hello_is_stale_ = true;
  consumer_->Close(lane.channel());
  lane.Closed();
}

void Intake::Answered(OpenMessage& message) {
  if (BUZZER_PLANTED("ack_before_claim")) return;  // It is acked already.
  if (--message.unanswered == 0 && consumer_ != nullptr) {
    consumer_->Ack(message.channel, message.tag);
  }
}

bool Intake::IsSound(internal::v1::ClaimAnswer& answer, const PendingClaim& claim) {
  absl::Status sound = CheckGranted(answer.granted());
  if (answer.job_id() != claim.job.bytes()) {
    sound = absl::InvalidArgumentError("`job_id` must be that of the claim");
  }
  if (!sound.ok()) {
    if (const int64_t times = unsound_answers_.Note(sound.message()); times > 0) {
      log::Error("grant_not_understood", {{"job", claim.job.ToString()},
                                          {"type", claim.type},
                                          {"times", times},
                                          {"error", sound.message()}});
    }
    return false;
  }
  // It is only given back then; and metrics have a series for each type.
  if (!slots_.HasHandler(answer.granted().type())) answer.mutable_granted()->set_type("unknown");
  return true;
}

void Intake::WarnOfNoHandler(const std::string& type) {
  const int64_t times = types_without_handler_.Note(type);
  if (times == 0) return;
  log::Error("no_handler",
             {{"type", type},
              {"times", times},
              {"error",
               "a queue that this worker serves has jobs of a type that it has no handler for; "
               "give the type a queue of its own, or every worker of the queue its handler"}});
}

QueueLane* Intake::LaneOf(amqp::ChannelId channel) {
  for (QueueLane& lane : lanes_) {
    if (channel != 0 && lane.channel() == channel) return &lane;
  }
  return nullptr;
}

internal::v1::Hello Intake::MakeHello() const {
  internal::v1::Hello hello;
  hello.set_worker(options_.worker);
  hello.set_slots(slots_.total());
  hello.set_draining(draining_);
  hello.set_version(kVersionText);
  for (const HandlerConfig& handler : options_.config.handlers) {
    auto* type = hello.add_types();
    type->set_type(handler.type);
    type->set_queue(handler.queue);
  }
  for (const QueueLane& lane : lanes_) {
    auto* queue = hello.add_queues();
    queue->set_queue(lane.queue());
    queue->set_prefetch(lane.prefetch());
    queue->set_slots(slots_.LimitOf(lane.queue()));
  }
  return hello;
}

}  // namespace buzzer::worker
