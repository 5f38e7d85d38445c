// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {
namespace {

// What state is asked for.
absl::StatusOr<internal::v1::ReleaseKeyRequest> ToForward(
    const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes) {
  auto tenant = CallerTenant(context);
  if (!tenant.ok()) return tenant.status();
  auto request = ParsePlainRequest<v1::ReleaseIdempotencyKeyRequest>(bytes);
  if (!request.ok()) return request.status();
  if (!IsIdempotencyKey(request->idempotency_key())) {
    return InvalidField("idempotency_key", absl::StrCat("must be ", kIdempotencyKeyRule));
  }
  internal::v1::ReleaseKeyRequest forward;
  forward.set_tenant(*std::move(tenant));
  forward.set_idempotency_key(std::move(*request->mutable_idempotency_key()));
  return forward;
}

}  // namespace

grpc::ServerUnaryReactor* JobService::ReleaseIdempotencyKey(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kReleaseIdempotencyKey);
  auto forward = ToForward(*context, *request);
  if (!forward.ok()) {
    call->Finish(forward.status());
    return call->reactor();
  }
  call->AnswerIn<v1::ReleaseIdempotencyKeyResponse>(response);
  parts_.state->ReleaseKey(*std::move(forward),
                           [call](const absl::StatusOr<internal::v1::ReleaseKeyResponse>& answer) {
                             call->Finish(answer.status());
                           });
  return call->reactor();
}

}  // namespace buzzer::frontend
