// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/unary_call.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::GetQueue(grpc::CallbackServerContext* context,
                                                 const v1::GetQueueRequest* request,
                                                 v1::Queue* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kGetQueue);
  const auto tenant = CallerTenant(*context);
  const auto queue = ParseQueueName(request->name());
  if (!tenant.ok() || !queue.ok()) {
    call->Finish(tenant.ok() ? queue.status() : tenant.status());
    return call->reactor();
  }
  internal::v1::GetQueueRequest query;
  query.set_tenant(*tenant);
  query.set_queue(*queue);
  parts_.state->GetQueue(std::move(query),
                         [call, response](absl::StatusOr<internal::v1::GetQueueResponse> answer) {
                           if (answer.ok()) *response = std::move(*answer->mutable_queue());
                           call->Finish(answer.status());
                         });
  return call->reactor();
}

}  // namespace buzzer::frontend
