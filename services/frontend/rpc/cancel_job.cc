// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/http_codes.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* JobService::CancelJob(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kCancelJob);
  const auto asked = ParsePlainRequest<v1::CancelJobRequest>(*request);
  const auto target =
      asked.ok() ? FindTarget(*context, asked->name()) : absl::StatusOr<JobTarget>(asked.status());
  if (!target.ok()) {
    call->Finish(target.status());
    return call->reactor();
  }
  auto* const job = call->AnswerIn<v1::Job>(response);
  internal::v1::CancelJobRequest forward;
  forward.set_tenant(target->tenant);
  forward.set_id(std::string(target->id.bytes()));
  forward.set_force(asked->force());
  parts_.state->CancelJob(std::move(forward),
                          [call, job](absl::StatusOr<internal::v1::CancelJobResponse> answer) {
                            if (answer.ok()) {
                              *job = std::move(*answer->mutable_job());
                              if (job->state() == v1::Job::CANCELLING) {
                                call->SetHeader(kHttpCodeKey, kHttpAccepted);
                              }
                            }
                            call->Finish(answer.status());
                          });
  return call->reactor();
}

}  // namespace buzzer::frontend
