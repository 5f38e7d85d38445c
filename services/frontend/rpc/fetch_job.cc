// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/fetch_job.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job_state/job_state.h"
#include "services/frontend/call_errors.h"
#include "services/frontend/payload_json.h"

namespace buzzer::frontend {
namespace {

absl::StatusOr<v1::Job> ToJob(internal::v1::GetJobResponse response, bool full) {
  if (!response.has_job()) return FromState(absl::InternalError("an answer without a job"));
  v1::Job job = std::move(*response.mutable_job());
  if (!full) return job;
  if (!response.payload_is_json()) {
    job.set_payload_bytes(std::move(*response.mutable_payload()));
    return job;
  }
  auto payload = FromJson(response.payload());
  if (!payload.ok()) return FromState(payload.status());
  *job.mutable_payload() = *std::move(payload);
  return job;
}

}  // namespace

void FetchJob(const Parts& parts, const JobTarget& target, bool full,
              std::function<void(absl::StatusOr<v1::Job>)> done) {
  internal::v1::GetJobRequest request;
  request.set_tenant(target.tenant);
  request.set_id(std::string(target.id.bytes()));
  request.set_full(full);
  parts.state->GetJob(std::move(request), [full, done = std::move(done)](
                                              absl::StatusOr<internal::v1::GetJobResponse> answer) {
    if (!answer.ok()) {
      done(answer.status());
    } else {
      done(ToJob(*std::move(answer), full));
    }
  });
}

void AnswerJob(const std::shared_ptr<UnaryCall>& call, absl::StatusOr<v1::Job> job,
               grpc::ByteBuffer* response) {
  if (job.ok()) {
    call->SetHeader("etag", absl::StrCat("\"", job->revision(), "\""));
    if (!IsTerminal(job->state())) call->SetHeader("retry-after", "1");
    *call->AnswerIn<v1::Job>(response) = std::move(*job);
  }
  call->Finish(job.status());
}

}  // namespace buzzer::frontend
