// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_SUBMIT_LINE_H_
#define SERVICES_FRONTEND_SUBMIT_LINE_H_

#include <memory>

#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/clock/clock.h"
#include "common/grpc/stream_link.h"
#include "services/frontend/config.h"
#include "services/frontend/frontend_metrics.h"
#include "services/frontend/submit_queue.h"
#include "services/frontend/timers.h"

namespace buzzer::frontend {

// Accept (step 2 of a job's life), the frontend's end: the one stream on which submits go
// to the state service; SubmitQueue says how. Thread-safe.
class SubmitLine {
 public:
  // Not owned: the rest.
  SubmitLine(const std::shared_ptr<grpc::Channel>& channel, const Timing& timing,
             const Clock* clock, Timers* timers, FrontendMetrics* metrics);

  void Start() { link_.Start(); }
  // Returns when nothing of it runs. Submits under way are not answered any more.
  void Stop() { link_.Stop(); }

  // As SubmitQueue::Add.
  void Submit(internal::v1::NewJob job, SubmitQueue::Done done) {
    queue_.Add(std::move(job), std::move(done));
  }

 private:
  using Link = StreamLink<internal::v1::SubmitRequest, internal::v1::SubmitResponse>;

  SubmitQueue::Hooks MakeHooks(Timers* timers, FrontendMetrics* metrics);
  Link::Callbacks MakeCallbacks(FrontendMetrics* metrics);

  const std::unique_ptr<internal::v1::StateService::Stub> stub_;
  SubmitQueue queue_;
  Link link_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_SUBMIT_LINE_H_
