// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/watch_line.h"

namespace buzzer::frontend {
namespace {

// Before a watch that state could not serve is started again.
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

}  // namespace

WatchLine::WatchLine(const std::shared_ptr<grpc::Channel>& channel, Timers* timers,
                     FrontendMetrics* metrics)
    : stub_(internal::v1::StateService::NewStub(channel)),
      link_("watch", MakeCallbacks(timers, metrics)) {}

WatchLine::Link::Callbacks WatchLine::MakeCallbacks(Timers* timers, FrontendMetrics* metrics) {
  Link::Callbacks callbacks;
  callbacks.start_call = [this](grpc::ClientContext* context, Link::Reactor* reactor) {
    stub_->async()->Watch(context, reactor);
  };
  callbacks.on_up = [this, metrics] {
    metrics->SetWatchLineUp(true);
    table_.OnUp();
  };
  callbacks.next_request = [this](internal::v1::WatchRequest* request) {
    return table_.NextRequest(request);
  };
  callbacks.on_response = [this, timers](internal::v1::WatchResponse& response) {
    if (!table_.OnResponse(response)) return;
    timers->After(kRetryDelay, [this] {
      table_.Retry();
      link_.Wake();
    });
  };
  callbacks.on_down = [this, metrics](const absl::Status&) {
    metrics->SetWatchLineUp(false);
    table_.OnDown();
  };
  return callbacks;
}

int64_t WatchLine::Start(std::string tenant, const JobId& job, int64_t after_revision,
                         std::shared_ptr<Watcher> watcher) {
  const int64_t watch = table_.Start(std::move(tenant), job, after_revision, std::move(watcher));
  link_.Wake();
  return watch;
}

void WatchLine::Stop(int64_t watch) {
  table_.Stop(watch);
  link_.Wake();
}

}  // namespace buzzer::frontend
