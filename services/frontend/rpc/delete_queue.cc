// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::DeleteQueue(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kDeleteQueue);
  const auto target = FindQueue<v1::DeleteQueueRequest>(*context, *request);
  if (!target.ok()) {
    call->Finish(target.status());
    return call->reactor();
  }
  call->AnswerIn<google::protobuf::Empty>(response);
  internal::v1::DeleteQueueRequest forward;
  forward.set_queue(target->queue);
  parts_.state->DeleteQueue(
      std::move(forward), [call](const absl::StatusOr<internal::v1::DeleteQueueResponse>& answer) {
        call->Finish(answer.status());
      });
  return call->reactor();
}

}  // namespace buzzer::frontend
