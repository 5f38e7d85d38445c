// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/worker.h"

#include <algorithm>
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
    : options_(std::move(options)),
      session_(options_.clock),
      leases_(&session_, options_.config.state_outage_limit, options_.clock),
      pacer_(&session_, options_.clock),
      intake_(IntakeOptions()),
      runner_(RunnerOptions()) {}

Worker::~Worker() { intake_.Stop(); }

Intake::Options Worker::IntakeOptions() {
  Intake::Options intake;
  intake.config = options_.config;
  intake.worker = options_.name;
  intake.broker_queue_prefix = options_.broker_queue_prefix;
  intake.session = &session_;
  intake.readiness = &readiness_;
  intake.events = options_.events;
  intake.clock = options_.clock;
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
  runner.events = options_.events;
  runner.clock = options_.clock;
  runner.max_threads = static_cast<size_t>(options_.config.slots);
  runner.on_returned = [this](const std::string& type, bool outcome_waits) {
    intake_.OnReturned(type, outcome_waits);
  };
  runner.on_outcome_settled = [this] { intake_.OnOutcomeSettled(); };
  return runner;
}

void Worker::Run(const JobId& job, internal::v1::Granted granted) {
  const std::string type = granted.type();
  runner_.Start(job, std::move(granted), Grace(options_.config, type),
                options_.handlers.at(type).get());
}

void Worker::Start(amqp::Consumer* consumer) {
  leases_.Start();
  pacer_.Start();
  intake_.Start(consumer);
}

bool Worker::Drain() {
  const absl::Duration start = options_.clock->Monotonic();
  const auto left = [&](absl::Duration limit) {
    return std::max(start + limit - options_.clock->Monotonic(), absl::ZeroDuration());
  };
  const absl::Duration patience = options_.config.drain_timeout;
  intake_.Drain();
  log::Info("draining", {{"running", runner_.running()},
                         {"drain_timeout_seconds", absl::ToDoubleSeconds(patience)}});
  if (!intake_.AwaitNoClaims(left(patience)) || !runner_.AwaitEmpty(left(patience))) {
    runner_.StopAll(StopCause::kDraining);
    const absl::Duration end = patience + LongestGrace(options_.config) + kFlushTime;
    intake_.AwaitNoClaims(left(end));
    runner_.AwaitEmpty(left(end));
  }
  intake_.Stop();
  const int running = runner_.running();
  if (running > 0 || runner_.unsettled() > 0) {
    log::Error("drain_incomplete",
               {{"handlers_running", running}, {"outcomes_not_taken", runner_.unsettled()}});
  }
  return running == 0;
}

void Worker::OnStateUp() {
  leases_.RenewAll();
  intake_.OnStateUp();
}

void Worker::OnStateDown() { intake_.OnStateDown(); }

void Worker::OnClaimAnswer(internal::v1::ClaimAnswer& answer) { intake_.OnClaimAnswer(answer); }

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

}  // namespace buzzer::worker
