// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_SET_QUEUE_PAUSED_H_
#define SERVICES_FRONTEND_RPC_SET_QUEUE_PAUSED_H_

#include <memory>
#include <string>

#include "buzzer/v1/queue_service.pb.h"
#include "services/frontend/rpc/parts.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

// What PauseQueue and ResumeQueue share: holds the queue `queues/{queue}` or lets it go,
// and answers the call.
void SetQueuePaused(const Parts& parts, const grpc::CallbackServerContext& context,
                    const std::string& name, bool paused, const std::shared_ptr<UnaryCall>& call,
                    v1::Queue* response);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_SET_QUEUE_PAUSED_H_
