// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/errors/errors.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* JobService::BatchSubmitJobs(grpc::CallbackServerContext* context,
                                                      const v1::BatchSubmitJobsRequest*,
                                                      v1::BatchSubmitJobsResponse*) {
  const auto call = UnaryCall::Make(context, parts_, Method::kBatchSubmitJobs);
  call->Finish(ErrorBuilder(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED",
                            "this version has no BatchSubmitJobs yet: call SubmitJob for each job")
                   .Build());
  return call.get();
}

}  // namespace buzzer::frontend
