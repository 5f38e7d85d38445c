// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/submit_line.h"

namespace buzzer::frontend {
namespace {

SubmitQueue::Limits MakeLimits(const Timing& timing) {
  SubmitQueue::Limits limits;
  limits.answer_limit = timing.submit_limit;
  return limits;
}

}  // namespace

SubmitLine::SubmitLine(const std::shared_ptr<grpc::Channel>& channel, const Timing& timing,
                       const Clock* clock, Timers* timers, FrontendMetrics* metrics)
    : stub_(internal::v1::StateService::NewStub(channel)),
      queue_(MakeLimits(timing), clock, MakeHooks(timers, metrics)),
      link_("submit", MakeCallbacks(metrics)) {}

SubmitQueue::Hooks SubmitLine::MakeHooks(Timers* timers, FrontendMetrics* metrics) {
  SubmitQueue::Hooks hooks;
  hooks.wake = [this] { link_.Wake(); };
  hooks.expire_after = [this, timers](absl::Duration delay) {
    timers->After(delay, [this] { queue_.Expire(); });
  };
  hooks.on_batch = [metrics](int jobs) { metrics->OnSubmitBatch(jobs); };
  return hooks;
}

SubmitLine::Link::Callbacks SubmitLine::MakeCallbacks(FrontendMetrics* metrics) {
  Link::Callbacks callbacks;
  callbacks.start_call = [this](grpc::ClientContext* context, Link::Reactor* reactor) {
    stub_->async()->Submit(context, reactor);
  };
  callbacks.on_up = [this, metrics] {
    metrics->SetSubmitLineUp(true);
    queue_.OnUp();
  };
  callbacks.next_request = [this](internal::v1::SubmitRequest* request) {
    return queue_.NextBatch(request);
  };
  callbacks.on_response = [this](internal::v1::SubmitResponse& response) {
    queue_.OnAnswer(response);
  };
  callbacks.on_down = [this, metrics](const absl::Status&) {
    metrics->SetSubmitLineUp(false);
    queue_.OnDown();
  };
  return callbacks;
}

}  // namespace buzzer::frontend
