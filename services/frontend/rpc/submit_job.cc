// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/grpc/raw_messages.h"
#include "common/job_state/job_state.h"
#include "common/wire/wire_parts.h"
#include "services/frontend/http_codes.h"
#include "services/frontend/limits.h"
#include "services/frontend/prefer.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/fetch_job.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/job_wait.h"
#include "services/frontend/rpc/submit_log.h"
#include "services/frontend/rpc/unary_call.h"
#include "services/frontend/submit_bytes.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {
namespace {

// The submit after its job was accepted.
struct Accepted {
  const Parts& parts;
  std::shared_ptr<UnaryCall> call;
  v1::Job* response;
  std::string tenant;
};

void Finish(const Accepted& accepted) {
  if (accepted.response->replayed()) accepted.call->SetHeader("idempotent-replayed", "true");
  accepted.call->Finish(absl::OkStatus());
}

void Answer202(const Accepted& accepted) {
  accepted.call->SetHeader(kHttpCodeKey, kHttpAccepted);
  accepted.call->SetHeader("location", absl::StrCat("/v1/", accepted.response->name()));
  // A repeat may find its job ended: there is nothing to come back for.
  if (!IsTerminal(accepted.response->state())) accepted.call->SetHeader("retry-after", "1");
  Finish(accepted);
}

// `Prefer: wait` was kept: the job is done.
void Answer200(const Accepted& accepted, absl::Duration wait) {
  accepted.call->SetHeader("preference-applied", absl::StrCat("wait=", absl::ToInt64Seconds(wait)));
  Finish(accepted);
}

// The job as it stands now; that the submit was a repeat stays said.
void Replace(const Accepted& accepted, v1::Job job) {
  job.set_replayed(accepted.response->replayed());
  *accepted.response = std::move(job);
}

// Answers as the job stands: the response is it.
void AnswerAsItStands(const Accepted& accepted, absl::Duration wait) {
  if (IsTerminal(accepted.response->state())) {
    Answer200(accepted, wait);
  } else {
    Answer202(accepted);
  }
}

// The wait is over. Whatever came of it, the job is accepted.
void AfterWait(const Accepted& accepted, const JobTarget& target, absl::Duration wait,
               absl::StatusOr<v1::JobEvent> event) {
  if (event.ok() && event->has_job()) {
    Replace(accepted, std::move(*event->mutable_job()));
    Answer200(accepted, wait);
    return;
  }
  if (absl::IsCancelled(event.status())) {
    accepted.call->Finish(event.status());
    return;
  }
  FetchJob(accepted.parts, target, /*full=*/false, [accepted, wait](absl::StatusOr<v1::Job> job) {
    if (job.ok()) Replace(accepted, *std::move(job));
    AnswerAsItStands(accepted, wait);
  });
}

// `wait` is what was asked for, `hold` what is left of it.
void WaitForEnd(const Accepted& accepted, absl::Duration wait, absl::Duration hold) {
  if (IsTerminal(accepted.response->state())) {
    Answer200(accepted, wait);
    return;
  }
  const auto id = JobId::Parse(accepted.response->id());
  const JobTarget target{accepted.tenant, id.value_or(JobId())};
  const auto waiting = JobWait::Start(accepted.parts, target, accepted.response->revision(),
                                      JobWait::Until::kTerminal, hold,
                                      [accepted, target, wait](absl::StatusOr<v1::JobEvent> event) {
                                        AfterWait(accepted, target, wait, std::move(event));
                                      });
  accepted.call->OnGone([waiting] { waiting->Cancel(); });
}

absl::StatusOr<v1::SubmitJobRequest> Parse(const grpc::ByteBuffer& bytes) {
  RawReader checked(bytes);
  if (absl::Status status = CheckSubmitBytes(&checked); !status.ok()) return status;
  RawReader parsed(bytes);
  v1::SubmitJobRequest request;
  if (!request.ParseFromZeroCopyStream(&parsed)) return NotAMessage("SubmitJobRequest");
  return request;
}

}  // namespace

grpc::ServerUnaryReactor* JobService::SubmitJob(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  const auto prefer = FindMetadata(*context, "prefer");
  const auto call = UnaryCall::Make(context, parts_, Method::kSubmitJob, prefer.has_value());
  auto tenant = CallerTenant(*context);
  if (!tenant.ok()) {
    call->Finish(tenant.status());
    return call->reactor();
  }
  SubmitContext submit;
  submit.tenant = *tenant;
  submit.key_header = FindMetadata(*context, "idempotency-key");
  submit.now = parts_.clock->Now();
  submit.id = JobId::Make(submit.now);
  const auto message = Parse(*request);
  auto job = message.ok() ? MakeNewJob(*message, submit) : message.status();
  if (!job.ok()) {
    call->Finish(job.status());
    return call->reactor();
  }
  const auto wait = prefer.has_value() ? ParsePreferWait(*prefer, kMaxWait) : std::nullopt;
  const Accepted accepted{parts_, call, call->AnswerIn<v1::Job>(response), *std::move(tenant)};
  parts_.submits->Submit(*std::move(job), [accepted, wait, received = submit.now,
                                           id = submit.id](absl::StatusOr<v1::Job> stored) {
    if (!stored.ok()) {
      accepted.call->Finish(stored.status());
      return;
    }
    NoteSubmitted(id, accepted.tenant, &*stored);
    *accepted.response = *std::move(stored);
    if (wait.has_value()) {
      // Storing it took from the time that the gateway leaves us.
      const absl::Duration left = kMaxWait - (accepted.parts.clock->Now() - received);
      WaitForEnd(accepted, *wait, std::clamp(left, absl::ZeroDuration(), *wait));
    } else {
      Answer202(accepted);
    }
  });
  return call->reactor();
}

}  // namespace buzzer::frontend
