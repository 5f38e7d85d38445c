// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/worker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log/log.h"

namespace buzzer::worker {
namespace {

// For the last outcomes to be taken, after the longest grace.
constexpr absl::Duration kFlushTime = absl::Seconds(5);

absl::Duration LongestGrace(const Config& config) {
  absl::Duration longest;
  for (const HandlerConfig& handler : config.handlers) longest = std::max(longest, handler.grace);
  return longest;
}

absl::Duration Grace(const Config& config, const std::string& type) {
  const auto it = std::find_if(config.handlers.begin(), config.handlers.end(),
                               [&](const HandlerConfig& handler) { return handler.type == type; });
  return it == config.handlers.end() ? kDefaultGrace : it->grace;
}

}  // namespace

Worker::Worker(Options options)
    : name_(std::move(options.name)),
      broker_queue_prefix_(std::move(options.broker_queue_prefix)),
      events_(options.events),
      clock_(options.clock),
      served_(MakeServed(std::move(options.config), std::move(options.handlers))),
      readiness_(std::move(options.on_readiness), clock_),
      session_(clock_),
      leases_(&session_, served()->config.state_outage_limit, clock_),
      pacer_(&session_, clock_),
      intake_(IntakeOptions()),
      runner_(RunnerOptions()) {
  readiness_.Serve(served()->config);
}

Worker::~Worker() { intake_.Stop(); }

Intake::Options Worker::IntakeOptions() {
  Intake::Options intake;
  intake.config = served()->config;
  intake.worker = name_;
  intake.broker_queue_prefix = broker_queue_prefix_;
  intake.session = &session_;
  intake.readiness = &readiness_;
  intake.events = events_;
  intake.clock = clock_;
  intake.on_granted = [this](const JobId& job, internal::v1::Granted granted) {
    Run(job, std::move(granted));
  };
  intake.on_unwanted = [this](const JobId& job, internal::v1::Granted granted) {
    runner_.HandBack(job, std::move(granted));
  };
  return intake;
}

Runner::Options Worker::RunnerOptions() {
  Runner::Options runner;
  runner.session = &session_;
  runner.leases = &leases_;
  runner.pacer = &pacer_;
  runner.events = events_;
  runner.clock = clock_;
  runner.max_threads = static_cast<size_t>(slots());
  runner.on_returned = [this](const std::string& type, bool outcome_waits) {
    intake_.OnReturned(type, outcome_waits);
    // One without an outcome was settled before it was told.
    if (!outcome_waits) NoteProgress();
  };
  runner.on_outcome_settled = [this] {
    intake_.OnOutcomeSettled();
    NoteProgress();
  };
  return runner;
}

std::shared_ptr<const Worker::Served> Worker::MakeServed(Config config, Handlers handlers) {
  return std::make_shared<const Served>(Served{std::move(config), std::move(handlers)});
}

std::shared_ptr<const Worker::Served> Worker::served() const {
  MutexLock lock(&mutex_);
  return served_;
}

int Worker::slots() const { return served()->config.slots; }

void Worker::Run(const JobId& job, internal::v1::Granted granted) {
  const std::string type = granted.type();
  const auto now = served();
  if (const auto handler = now->handlers.find(type); handler != now->handlers.end()) {
    runner_.Start(job, std::move(granted), Grace(now->config, type), handler->second);
    return;
  }
  // The type was taken out of the file while its claim was under way.
  intake_.OnReturned(type, /*outcome_waits=*/true);
  runner_.HandBack(job, std::move(granted));
}

void Worker::Reconfigure(Config config, Handlers handlers) {
  const auto next = MakeServed(std::move(config), std::move(handlers));
  std::shared_ptr<const Served> last;
  {
    MutexLock lock(&mutex_);
    if (draining_) return;
    last = std::exchange(served_, next);
  }
  leases_.SetOutageLimit(next->config.state_outage_limit);
  runner_.SetMaxThreads(static_cast<size_t>(next->config.slots));
  readiness_.Serve(next->config);
  // Last: what it takes by the new one must find its handler.
  intake_.Reconfigure(next->config);
}

void Worker::Start(amqp::Consumer* consumer) {
  leases_.Start();
  pacer_.Start();
  intake_.Start(consumer);
}

bool Worker::Drain() {
  std::shared_ptr<const Served> last;
  {
    MutexLock lock(&mutex_);
    draining_ = true;
    last = served_;
  }
  const absl::Duration patience = last->config.drain_timeout;
  readiness_.Drain();
  intake_.Drain();
  log::Info("draining", {{"running", runner_.running()},
                         {"drain_timeout_seconds", absl::ToDoubleSeconds(patience)}});
  if (!AwaitIdle(patience)) {
    const absl::Duration grace = std::max(runner_.HandBackAll(), LongestGrace(last->config));
    const absl::Duration end = clock_->Monotonic() + grace + kFlushTime;
    const auto left = [&] { return std::max(end - clock_->Monotonic(), absl::ZeroDuration()); };
    intake_.AwaitNoClaims(left());
    runner_.AwaitEmpty(left());
  }
  intake_.Stop();
  const int running = runner_.running();
  if (running > 0 || runner_.unsettled() > 0) {
    log::Error("drain_incomplete",
               {{"handlers_running", running}, {"outcomes_not_taken", runner_.unsettled()}});
  }
  return running == 0;
}

void Worker::HandBackNow() {
  MutexLock lock(&mutex_);
  hand_back_now_ = true;
  changed_.NotifyAll();
}

bool Worker::IsIdle() {
  return intake_.AwaitNoClaims(absl::ZeroDuration()) && runner_.AwaitEmpty(absl::ZeroDuration());
}

void Worker::NoteProgress() {
  MutexLock lock(&mutex_);
  if (draining_) changed_.NotifyAll();
}

bool Worker::AwaitIdle(absl::Duration patience) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(patience);
  MutexLock lock(&mutex_);
  while (!IsIdle()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (hand_back_now_ || left <= std::chrono::nanoseconds::zero()) return false;
    changed_.WaitFor(&mutex_, left);
  }
  return true;
}

void Worker::OnStateUp() {
  readiness_.SetStateUp(true);
  leases_.RenewAll();
  intake_.OnStateUp();
}

void Worker::OnStateDown() {
  readiness_.SetStateUp(false);
  intake_.OnStateDown();
}

void Worker::OnClaimAnswer(internal::v1::ClaimAnswer& answer) {
  intake_.OnClaimAnswer(answer);
  NoteProgress();
}

void Worker::OnLeaseStatus(const internal::v1::LeaseStatus& status) {
  runner_.OnLeaseStatus(status);
}

void Worker::OnOutcomeAnswer(const internal::v1::OutcomeAnswer& answer) {
  runner_.OnOutcomeAnswer(answer);
}

void Worker::OnCancelNotice(const internal::v1::CancelNotice& notice) {
  runner_.OnCancelNotice(notice);
}

void Worker::OnOffer(const internal::v1::Offer& offer) { intake_.OnOffer(offer); }

void Worker::OnHelloAnswer(const internal::v1::HelloAnswer& answer) {
  readiness_.SetRefusals(ReadHelloAnswer(answer));
}

}  // namespace buzzer::worker
