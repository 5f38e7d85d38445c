// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/grpc_state_line.h"

namespace buzzer::worker {

GrpcStateLine::GrpcStateLine(const std::shared_ptr<grpc::Channel>& channel, StateSession* session,
                             const std::function<void(bool up)>& on_change)
    : stub_(internal::v1::WorkService::NewStub(channel)),
      link_(
          "work",
          {[this](grpc::ClientContext* context, Link::Reactor* reactor) {
             stub_->async()->Work(context, reactor);
           },
           [session, on_change] {
             on_change(true);
             session->OnUp();
           },
           [session](internal::v1::WorkRequest* request) { return session->NextRequest(request); },
           [session](internal::v1::WorkResponse& response) { session->OnResponse(response); },
           [session, on_change](const absl::Status&) {
             on_change(false);
             session->OnDown();
           }}) {}

}  // namespace buzzer::worker
