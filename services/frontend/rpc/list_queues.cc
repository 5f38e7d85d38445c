// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::ListQueues(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kListQueues);
  const auto tenant = CallerTenant(*context);
  const auto asked = ParsePlainRequest<v1::ListQueuesRequest>(*request);
  if (!tenant.ok() || !asked.ok()) {
    call->Finish(tenant.ok() ? asked.status() : tenant.status());
    return call->reactor();
  }
  auto* const page = call->AnswerIn<v1::ListQueuesResponse>(response);
  internal::v1::ListQueuesRequest query;
  query.set_tenant(*tenant);
  parts_.state->ListQueues(std::move(query),
                           [call, page](absl::StatusOr<internal::v1::ListQueuesResponse> answer) {
                             if (answer.ok())
                               *page->mutable_queues() = std::move(*answer->mutable_queues());
                             call->Finish(answer.status());
                           });
  return call->reactor();
}

}  // namespace buzzer::frontend
