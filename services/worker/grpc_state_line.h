// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_GRPC_STATE_LINE_H_
#define SERVICES_WORKER_GRPC_STATE_LINE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "buzzer/internal/v1/work_service.grpc.pb.h"
#include "common/grpc/stream_link.h"
#include "services/worker/state_line.h"
#include "services/worker/state_session.h"

namespace buzzer::worker {

// Carries a session over the WorkService's stream. Thread-safe.
class GrpcStateLine final : public StateLine {
 public:
  // `session` is not owned. `on_change` is told first when the line goes up or down.
  GrpcStateLine(const std::shared_ptr<grpc::Channel>& channel, StateSession* session,
                const std::function<void(bool up)>& on_change);

  void Start() { link_.Start(); }
  // Returns when the session is told nothing more.
  void Stop() { link_.Stop(); }

  void Wake() override { link_.Wake(); }

 private:
  using Link = StreamLink<internal::v1::WorkRequest, internal::v1::WorkResponse>;

  const std::unique_ptr<internal::v1::WorkService::Stub> stub_;
  Link link_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_GRPC_STATE_LINE_H_
