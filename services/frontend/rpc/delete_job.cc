// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* JobService::DeleteJob(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kDeleteJob);
  const auto target = FindTarget<v1::DeleteJobRequest>(*context, *request);
  if (!target.ok()) {
    call->Finish(target.status());
    return call->reactor();
  }
  call->AnswerIn<google::protobuf::Empty>(response);
  internal::v1::DeleteJobRequest forward;
  forward.set_tenant(target->tenant);
  forward.set_id(std::string(target->id.bytes()));
  parts_.state->DeleteJob(std::move(forward),
                          [call](const absl::StatusOr<internal::v1::DeleteJobResponse>& answer) {
                            call->Finish(answer.status());
                          });
  return call->reactor();
}

}  // namespace buzzer::frontend
