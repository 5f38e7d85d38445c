// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/limits.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/fetch_job.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/job_wait.h"
#include "services/frontend/rpc/unary_call.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {

grpc::ServerUnaryReactor* JobService::WaitJob(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* bytes,
                                              grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kWaitJob, /*may_wait=*/true);
  const auto request = ParsePlainRequest<v1::WaitJobRequest>(*bytes);
  const auto target = request.ok() ? FindTarget(*context, request->name()) : request.status();
  if (!target.ok()) {
    call->Finish(target.status());
    return call->reactor();
  }
  const absl::StatusOr<absl::Duration> timeout =
      request->has_timeout() ? ParseWait("timeout", request->timeout()) : kDefaultWaitJobTimeout;
  if (!timeout.ok()) {
    call->Finish(timeout.status());
    return call->reactor();
  }
  const auto answer = [call, response](absl::StatusOr<v1::Job> job) {
    AnswerJob(call, std::move(job), response);
  };
  const auto waiting =
      JobWait::Start(parts_, *target, /*after_revision=*/0, JobWait::Until::kTerminal, *timeout,
                     [this, target = *target, call, answer](absl::StatusOr<v1::JobEvent> event) {
                       if (event.ok() && event->has_job()) {
                         answer(std::move(*event->mutable_job()));
                       } else if (event.ok() || absl::IsDeadlineExceeded(event.status())) {
                         FetchJob(parts_, target, /*full=*/false, answer);
                       } else {
                         call->Finish(event.status());
                       }
                     });
  call->OnGone([waiting] { waiting->Cancel(); });
  return call->reactor();
}

}  // namespace buzzer::frontend
