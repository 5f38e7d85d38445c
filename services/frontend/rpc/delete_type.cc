// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/queue_service.h"
#include "services/frontend/rpc/unary_call.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* QueueService::DeleteType(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kDeleteType);
  const auto refuse = [&](const absl::Status& status) {
    call->Finish(status);
    return call->reactor();
  };
  // Types belong to the installation; who names no tenant rightly is refused all the same.
  if (const auto tenant = CallerTenant(*context); !tenant.ok()) return refuse(tenant.status());
  const auto asked = ParsePlainRequest<v1::DeleteTypeRequest>(*request);
  if (!asked.ok()) return refuse(asked.status());
  auto type = ParseTypeName(asked->name());
  if (!type.ok()) return refuse(type.status());
  call->AnswerIn<google::protobuf::Empty>(response);
  internal::v1::DeleteTypeRequest forward;
  forward.set_type(*std::move(type));
  parts_.state->DeleteType(std::move(forward),
                           [call](const absl::StatusOr<internal::v1::DeleteTypeResponse>& answer) {
                             call->Finish(answer.status());
                           });
  return call->reactor();
}

}  // namespace buzzer::frontend
