// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/set_queue_paused.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::ResumeQueue(grpc::CallbackServerContext* context,
                                                    const v1::ResumeQueueRequest* request,
                                                    v1::Queue* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kResumeQueue);
  SetQueuePaused(parts_, *context, request->name(), /*paused=*/false, call, response);
  return call->reactor();
}

}  // namespace buzzer::frontend
