// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/result_headers.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* JobService::GetJobResult(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kGetJobResult);
  const auto target = FindTarget<v1::GetJobResultRequest>(*context, *request);
  if (!target.ok()) {
    call->Finish(target.status());
    return call->reactor();
  }
  auto* const result = call->AnswerIn<google::api::HttpBody>(response);
  internal::v1::GetJobResultRequest query;
  query.set_tenant(target->tenant);
  query.set_id(std::string(target->id.bytes()));
  parts_.state->GetJobResult(
      std::move(query), [call, result](absl::StatusOr<internal::v1::GetJobResultResponse> answer) {
        if (answer.ok()) {
          result->set_content_type(SafeContentType(answer->content_type()));
          result->set_data(std::move(*answer->mutable_body()));
          // The bytes are a handler's: a browser must not take them for a page of ours.
          call->SetHeader("x-content-type-options", "nosniff");
          call->SetHeader("content-security-policy", "sandbox");
          if (!IsShownInline(result->content_type())) {
            call->SetHeader("content-disposition", "attachment");
          }
        }
        call->Finish(answer.status());
      });
  return call->reactor();
}

}  // namespace buzzer::frontend
