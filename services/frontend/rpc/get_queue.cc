// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::GetQueue(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kGetQueue);
  const auto target = FindQueue<v1::GetQueueRequest>(*context, *request);
  if (!target.ok()) {
    call->Finish(target.status());
    return call->reactor();
  }
  auto* const queue = call->AnswerIn<v1::Queue>(response);
  internal::v1::GetQueueRequest query;
  query.set_tenant(target->tenant);
  query.set_queue(target->queue);
  parts_.state->GetQueue(std::move(query),
                         [call, queue](absl::StatusOr<internal::v1::GetQueueResponse> answer) {
                           if (answer.ok()) *queue = std::move(*answer->mutable_queue());
                           call->Finish(answer.status());
                         });
  return call->reactor();
}

}  // namespace buzzer::frontend
