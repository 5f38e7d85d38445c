// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_SET_QUEUE_PAUSED_H_
#define SERVICES_FRONTEND_RPC_SET_QUEUE_PAUSED_H_

#include <memory>

#include "absl/status/statusor.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/parts.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

// What PauseQueue and ResumeQueue share: holds the queue or lets it go, and answers the call.
void SetQueuePaused(const Parts& parts, const absl::StatusOr<QueueTarget>& target, bool paused,
                    const std::shared_ptr<UnaryCall>& call, grpc::ByteBuffer* response);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_SET_QUEUE_PAUSED_H_
