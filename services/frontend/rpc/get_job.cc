// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/field_errors.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/fetch_job.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/job_wait.h"
#include "services/frontend/rpc/unary_call.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* JobService::GetJob(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* bytes,
                                             grpc::ByteBuffer* response) {
  const auto request = ParsePlainRequest<v1::GetJobRequest>(*bytes);
  const auto call =
      UnaryCall::Make(context, parts_, Method::kGetJob, request.ok() && request->has_wait());
  const auto refuse = [&](const absl::Status& status) {
    call->Finish(status);
    return call->reactor();
  };
  if (!request.ok()) return refuse(request.status());
  const auto target = FindTarget(*context, request->name());
  if (!target.ok()) return refuse(target.status());
  const auto wait = ParseWait("wait", request->wait());
  if (!wait.ok()) return refuse(wait.status());
  if (absl::Status after = CheckRevision("after", request->after()); !after.ok()) {
    return refuse(after);
  }
  const auto answer = [this, call, response, target = *target,
                       full = request->view() == v1::JOB_VIEW_FULL] {
    FetchJob(parts_, target, full, [call, response](absl::StatusOr<v1::Job> job) {
      AnswerJob(call, std::move(job), response);
    });
  };
  if (*wait == absl::ZeroDuration()) {
    answer();
    return call->reactor();
  }
  const auto waiting =
      JobWait::Start(parts_, *target, request->after(), JobWait::Until::kChanged, *wait,
                     [call, answer](const absl::StatusOr<v1::JobEvent>& event) {
                       if (event.ok() || absl::IsDeadlineExceeded(event.status())) {
                         answer();
                       } else {
                         call->Finish(event.status());
                       }
                     });
  call->OnGone([waiting] { waiting->Cancel(); });
  return call->reactor();
}

}  // namespace buzzer::frontend
