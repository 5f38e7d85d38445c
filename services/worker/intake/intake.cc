// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/intake.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/fault_points/fault_points.h"
#include "common/log/log.h"
#include "common/utf8/utf8.h"
#include "common/version/version.h"
#include "services/worker/boundary/granted.h"
#include "services/worker/durations.h"

namespace buzzer::worker {
namespace {

using ClaimMessage = internal::v1::Claim;

// While the state service is away nothing can be claimed. It is back in a moment most of the
// time, and each closed channel gives messages back, which a broker may count against them; so
// the channels close only after this.
constexpr absl::Duration kStateOutage = absl::Seconds(10);
constexpr absl::Duration kWarningInterval = absl::Seconds(30);
constexpr size_t kMaxWarnedTypes = 100;
constexpr char kNotConnected[] = "it is not connected to the broker";

absl::flat_hash_map<std::string, HandlerConfig> ByType(const Config& config) {
  absl::flat_hash_map<std::string, HandlerConfig> handlers;
  for (const HandlerConfig& handler : config.handlers) handlers[handler.type] = handler;
  return handlers;
}

QueueLane* Find(std::vector<QueueLane>& lanes, const std::string& queue) {
  const auto it = std::find_if(lanes.begin(), lanes.end(),
                               [&](const QueueLane& lane) { return lane.queue() == queue; });
  return it == lanes.end() ? nullptr : &*it;
}

std::vector<QueueLane> MakeLanes(const Config& config, absl::string_view prefix) {
  std::vector<QueueLane> lanes;
  for (const HandlerConfig& handler : config.handlers) {
    if (Find(lanes, handler.queue) == nullptr) lanes.emplace_back(prefix, handler.queue);
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
      types_without_handler_(kWarningInterval, kMaxWarnedTypes, options_.clock),
      unsound_answers_(kWarningInterval, kMaxWarnedTypes, options_.clock),
      config_(options_.config),
      handlers_(ByType(options_.config)),
      broker_problem_(kNotConnected),
      slots_(options_.config),
      lanes_(MakeLanes(options_.config, options_.broker_queue_prefix)),
      thread_(options_.clock, [this] { return Tick(); }) {}

void Intake::Start(amqp::Consumer* consumer) {
  thread_.Start();
  MutexLock lock(&mutex_);
  consumer_ = consumer;
  // Its callbacks may have come before we knew it.
  broker_up_ = consumer->up();
  options_.readiness->SetBrokerUp(broker_up_);
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

void Intake::Reconfigure(const Config& config) {
  MutexLock lock(&mutex_);
  config_ = config;
  handlers_ = ByType(config);
  slots_.Reconfigure(config);
  std::vector<QueueLane> lanes;
  for (QueueLane& wanted : MakeLanes(config, options_.broker_queue_prefix)) {
    QueueLane* const present = Find(lanes_, wanted.queue());
    if (present != nullptr) present->Reconfigured();
    lanes.push_back(std::move(present == nullptr ? wanted : *present));
  }
  for (QueueLane& lane : lanes_) {
    if (Find(lanes, lane.queue()) == nullptr) CloseAll(lane);
  }
  lanes_ = std::move(lanes);
  turn_ = 0;
  hello_is_stale_ = true;
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
  broker_problem_ = kNotConnected;
  options_.readiness->SetBrokerUp(true);
  Advance();
}

void Intake::OnBrokerDown() {
  MutexLock lock(&mutex_);
  broker_up_ = false;
  options_.readiness->SetBrokerUp(false);
  for (QueueLane& lane : lanes_) lane.ClosedAll();
  hello_is_stale_ = true;
  Advance();
}

void Intake::OnBrokerUnreachable(absl::string_view why) {
  MutexLock lock(&mutex_);
  broker_problem_ = OneLine(absl::StrCat(kNotConnected, ": ", why), QueueLane::kMaxProblemBytes);
  options_.readiness->SetBrokerUnreachable(broker_problem_);
  hello_is_stale_ = true;
  Advance();
}

void Intake::OnBrokerConsuming(amqp::ChannelId channel) {
  MutexLock lock(&mutex_);
  const QueueLane* const lane = LaneOf(channel);
  if (lane != nullptr) options_.readiness->SetQueueProblem(lane->queue(), "");
}

void Intake::OnBrokerDelivery(const amqp::Delivery& delivery) {
  MutexLock lock(&mutex_);
  QueueLane* const lane = LaneOf(delivery.channel);
  if (lane == nullptr || consumer_ == nullptr) return;
  // Planted bug, never in a real build: the ack comes before the claim.
  const bool ack_now = BUZZER_PLANTED("ack_before_claim");
  if (!lane->Add(delivery, options_.clock->Monotonic()) || ack_now) {
    consumer_->Ack(delivery.channel, delivery.tag);
  }
  Advance();
}

void Intake::OnBrokerClosed(amqp::ChannelId channel, const absl::Status& why) {
  MutexLock lock(&mutex_);
  QueueLane* const lane = LaneOf(channel);
  if (lane == nullptr) return;
  hello_is_stale_ = true;
  const absl::Duration now = options_.clock->Monotonic();
  if (lane->Failed(channel, why, now)) {
    log::Warning("queue_not_consumed", {{"queue", lane->queue()}, {"error", why.ToString()}});
  }
  if (const std::string problem = lane->problem(); !problem.empty()) {
    options_.readiness->SetQueueProblem(lane->queue(), problem);
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
  // Claims that were sent keep their slots until they are answered on the next stream, since a
  // grant may have been committed.
  if (std::exchange(state_up_, false)) state_down_since_ = options_.clock->Monotonic();
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
    const bool fits =
        claim.holds_slot && answer.granted().type() == claim.type && slots_.HasHandler(claim.type);
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

void Intake::OnOffer(const internal::v1::Offer& offer) {
  const auto job = JobId::FromBytes(offer.job_id());
  MutexLock lock(&mutex_);
  idle_.OnOffer(offer.type());
  if (!job.has_value() || !state_up_ || draining_ || !slots_.IsFree(offer.type())) return;
  Claim({*job, offer.type(), /*message=*/nullptr}, ClaimMessage::INTENT_RUN);
}

void Intake::OnReturned(const std::string& type, bool outcome_waits) {
  MutexLock lock(&mutex_);
  slots_.Free(type);
  if (outcome_waits) slots_.AddWaitingOutcome();
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
  // Here alone, and not after each event: a job of milliseconds, which the next look does not see,
  // is not worth two Hellos that state has to take in while it is claimed and ends.
  if (idle_.Look(config_, slots_, TakesJobs(), options_.clock->Monotonic())) {
    options_.session->SetHello(MakeHello(), /*repeat=*/true);
  }
  return NextDecision();
}

absl::Duration Intake::NextDecision() const {
  absl::Duration next = idle_.next_look();
  for (const QueueLane& lane : lanes_) next = std::min(next, lane.next_decision());
  if (!state_up_ && MayConsume(options_.clock->Monotonic())) {
    next = std::min(next, state_down_since_ + kStateOutage);
  }
  return next;
}

void Intake::Advance() {
  const absl::Duration now = options_.clock->Monotonic();
  ClaimWhatFits();
  TendChannels(now);
  GiveBackOverdue(now);
  if (std::exchange(hello_is_stale_, false)) {
    options_.session->SetHello(MakeHello(), /*repeat=*/false);
  }
  thread_.Schedule(NextDecision());
}

bool Intake::TakesJobs() const { return broker_up_ && state_up_ && !draining_; }

bool Intake::MayConsume(absl::Duration now) const {
  return broker_up_ && !draining_ && (state_up_ || now - state_down_since_ < kStateOutage);
}

void Intake::ClaimWhatFits() {
  if (!state_up_ || draining_) return;
  const absl::Duration now = options_.clock->Monotonic();
  size_t passed_over = 0;
  while (passed_over < lanes_.size()) {
    auto job = lanes_[turn_].Take(slots_, now);
    turn_ = (turn_ + 1) % lanes_.size();
    if (job.has_value()) {
      const bool can_run = slots_.HasHandler(job->type);
      Claim(*std::move(job),
            can_run ? ClaimMessage::INTENT_RUN : ClaimMessage::INTENT_RETURN_NO_HANDLER);
      passed_over = 0;
    } else {
      ++passed_over;
    }
  }
}

void Intake::GiveBackOverdue(absl::Duration now) {
  if (!state_up_ || draining_) return;
  for (QueueLane& lane : lanes_) {
    while (auto job = lane.TakeOverdue(now)) {
      Claim(*std::move(job), ClaimMessage::INTENT_RETURN_DRAINING);
    }
  }
}

void Intake::Claim(OfferedJob job, ClaimMessage::Intent intent) {
  ClaimMessage claim;
  claim.set_claim_id(RandomBytes(16));
  claim.set_job_id(std::string(job.id.bytes()));
  claim.set_intent(intent);
  if (intent == ClaimMessage::INTENT_RUN) {
    const HandlerConfig& handler = handlers_.at(job.type);
    slots_.Take(job.type);
    *claim.mutable_grace() = ToProto(handler.grace);
    if (handler.attempt_timeout > absl::ZeroDuration()) {
      *claim.mutable_attempt_timeout() = ToProto(handler.attempt_timeout);
    }
    if (handler.retry.ByteSizeLong() > 0) *claim.mutable_retry() = handler.retry;
    claim.set_max_attempts(handler.max_attempts);
  } else if (intent == ClaimMessage::INTENT_RETURN_NO_HANDLER) {
    WarnOfNoHandler(job.type);
  }
  claims_[claim.claim_id()] = {std::move(job.message), job.id, std::move(job.type),
                               intent == ClaimMessage::INTENT_RUN};
  options_.session->Claim(std::move(claim));
}

void Intake::TendChannels(absl::Duration now) {
  if (consumer_ == nullptr) return;
  const bool allowed = MayConsume(now);
  for (QueueLane& lane : lanes_) {
    const ChannelPlan plan = lane.Decide(allowed, slots_, now);
    for (const amqp::ChannelId channel : plan.close) {
      consumer_->Close(channel);
      lane.Closed(channel);
    }
    if (plan.open_prefetch > 0) {
      lane.Opened(consumer_->Open(lane.broker_queues(), plan.open_prefetch), plan.open_prefetch,
                  now);
    }
    const bool recovered = lane.Recovered(now);
    if (recovered) log::Info("queue_consumed_again", {{"queue", lane.queue()}});
    hello_is_stale_ |= !plan.close.empty() || plan.open_prefetch > 0 || recovered;
  }
}

void Intake::CloseAll(QueueLane& lane) {
  const Slots none{Config{}};
  const ChannelPlan plan = lane.Decide(/*allowed=*/false, none, options_.clock->Monotonic());
  for (const amqp::ChannelId channel : plan.close) {
    if (consumer_ != nullptr) consumer_->Close(channel);
    lane.Closed(channel);
  }
}

void Intake::Answered(OpenMessage& message) {
  if (BUZZER_PLANTED("ack_before_claim")) return;  // It is acked already.
  if (--message.unanswered > 0 || consumer_ == nullptr) return;
  consumer_->Ack(message.channel, message.tag);
  if (QueueLane* const lane = LaneOf(message.channel)) lane->Acked(message);
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
    if (lane.Has(channel)) return &lane;
  }
  return nullptr;
}

internal::v1::Hello Intake::MakeHello() const {
  internal::v1::Hello hello;
  hello.set_worker(options_.worker);
  hello.set_slots(slots_.total());
  hello.set_draining(draining_);
  hello.set_version(kVersionText);
  hello.set_broker_queue_prefix(options_.broker_queue_prefix);
  for (const HandlerConfig& handler : config_.handlers) {
    auto* type = hello.add_types();
    type->set_type(handler.type);
    type->set_queue(handler.queue);
    type->set_slots(slots_.LimitOfType(handler.type));
    type->set_idle_slots(idle_.Of(handler.type));
  }
  for (const QueueLane& lane : lanes_) {
    auto* queue = hello.add_queues();
    queue->set_queue(lane.queue());
    queue->set_prefetch(lane.prefetch());
    queue->set_slots(slots_.LimitOf(lane.queue()));
    queue->set_problem(broker_up_ ? lane.problem() : broker_problem_);
  }
  return hello;
}

}  // namespace buzzer::worker
