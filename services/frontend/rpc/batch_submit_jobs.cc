// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/grpc/raw_messages.h"
#include "common/utf8/utf8.h"
#include "common/wire/wire_parts.h"
#include "google/rpc/error_info.pb.h"
#include "services/frontend/limits.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/submit_log.h"
#include "services/frontend/rpc/unary_call.h"
#include "services/frontend/submit_bytes.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {
namespace {

// Beyond so much answer, errors are shortened: clients take 4 MiB unless they say otherwise,
// and a thousand lists of the known types come to that.
constexpr size_t kFullAnswerBytes = 2 << 20;
constexpr size_t kShortMessageBytes = 200;

void Shorten(google::rpc::Status* error) {
  error->set_message(std::string(Utf8Prefix(error->message(), kShortMessageBytes)));
  google::protobuf::RepeatedPtrField<google::protobuf::Any> details;
  details.Swap(error->mutable_details());
  for (auto& detail : details) {
    if (detail.Is<google::rpc::ErrorInfo>()) *error->add_details() = std::move(detail);
  }
}

// A batch under way: answers once each of its jobs has its result. Those come in any order,
// on any thread.
class Batch {
 public:
  Batch(std::shared_ptr<UnaryCall> call, std::string tenant, int jobs,
        v1::BatchSubmitJobsResponse* response)
      : call_(std::move(call)), tenant_(std::move(tenant)), unsettled_(jobs), response_(response) {
    // Made here, so that each result is written without a lock.
    response_->mutable_results()->Reserve(jobs);
    for (int i = 0; i < jobs; ++i) response_->add_results();
  }

  const std::string& tenant() const { return tenant_; }

  void Settle(int place, absl::StatusOr<v1::Job> stored) {
    auto* result = response_->mutable_results(place);
    if (stored.ok()) {
      *result->mutable_job() = *std::move(stored);
    } else {
      *result->mutable_error() = ToRpcStatus(stored.status());
    }
    answer_bytes_ += result->ByteSizeLong();
    if (result->has_error() && answer_bytes_ > kFullAnswerBytes) Shorten(result->mutable_error());
    if (--unsettled_ == 0) call_->Finish(absl::OkStatus());
  }

 private:
  const std::shared_ptr<UnaryCall> call_;
  const std::string tenant_;
  std::atomic<int> unsettled_;
  std::atomic<size_t> answer_bytes_ = 0;
  v1::BatchSubmitJobsResponse* const response_;
};

absl::Status Check(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& request) {
  if (const size_t bytes = request.Length(); bytes > kMaxBatchRequestBytes) {
    const std::string why = absl::StrCat("has ", bytes, " bytes; a batch may have ",
                                         kMaxBatchRequestBytes, ": send it in parts");
    return ErrorBuilder(absl::StatusCode::kInvalidArgument, "TOO_LARGE",
                        absl::StrCat("`requests`: ", why))
        .Field("requests", why)
        .Build();
  }
  if (FindMetadata(context, "idempotency-key").has_value()) {
    return InvalidField("Idempotency-Key",
                        "a batch has none: give each of its requests an `idempotency_key`");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> RequestsOf(const grpc::CallbackServerContext& context,
                                                    const grpc::ByteBuffer& request) {
  RawReader bytes(request);
  auto requests = SplitBatchBytes(&bytes);
  if (!requests.ok()) return requests;
  if (absl::Status refused = Check(context, request); !refused.ok()) return refused;
  return requests;
}

absl::StatusOr<internal::v1::NewJob> ToNewJob(const std::string& bytes,
                                              const SubmitContext& submit) {
  if (absl::Status status = CheckSubmitBytes(bytes); !status.ok()) return status;
  v1::SubmitJobRequest request;
  if (!request.ParseFromString(bytes)) return NotAMessage("SubmitJobRequest");
  return MakeNewJob(request, submit);
}

}  // namespace

grpc::ServerUnaryReactor* JobService::BatchSubmitJobs(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kBatchSubmitJobs);
  auto tenant = CallerTenant(*context);
  const auto requests = tenant.ok() ? RequestsOf(*context, *request)
                                    : absl::StatusOr<std::vector<std::string>>(tenant.status());
  if (!requests.ok()) {
    call->Finish(requests.status());
    return call->reactor();
  }
  const int jobs = static_cast<int>(requests->size());
  const auto batch = std::make_shared<Batch>(call, *tenant, jobs,
                                             call->AnswerIn<v1::BatchSubmitJobsResponse>(response));
  SubmitContext submit;
  submit.tenant = *std::move(tenant);
  submit.now = parts_.clock->Now();
  for (int place = 0; place < jobs; ++place) {
    submit.id = JobId::Make(submit.now);
    auto job = ToNewJob((*requests)[place], submit);
    if (!job.ok()) {
      batch->Settle(place, job.status());
      continue;
    }
    parts_.submits->Submit(*std::move(job),
                           [batch, place, id = submit.id](absl::StatusOr<v1::Job> stored) {
                             if (stored.ok()) NoteSubmitted(id, batch->tenant(), &*stored);
                             batch->Settle(place, std::move(stored));
                           });
  }
  return call->reactor();
}

}  // namespace buzzer::frontend
