// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/set_queue_paused.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::ResumeQueue(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kResumeQueue);
  SetQueuePaused(parts_, FindQueue<v1::ResumeQueueRequest>(*context, *request), /*paused=*/false,
                 call, response);
  return call->reactor();
}

}  // namespace buzzer::frontend
