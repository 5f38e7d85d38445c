// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/set_queue_paused.h"

#include <utility>

#include "buzzer/v1/queue_service.pb.h"

namespace buzzer::frontend {

void SetQueuePaused(const Parts& parts, const absl::StatusOr<QueueTarget>& target, bool paused,
                    const std::shared_ptr<UnaryCall>& call, grpc::ByteBuffer* response) {
  if (!target.ok()) {
    call->Finish(target.status());
    return;
  }
  auto* const queue = call->AnswerIn<v1::Queue>(response);
  internal::v1::SetQueuePausedRequest request;
  request.set_tenant(target->tenant);
  request.set_queue(target->queue);
  request.set_paused(paused);
  parts.state->SetQueuePaused(
      std::move(request),
      [call, queue](absl::StatusOr<internal::v1::SetQueuePausedResponse> answer) {
        if (answer.ok()) *queue = std::move(*answer->mutable_queue());
        call->Finish(answer.status());
      });
}

}  // namespace buzzer::frontend
