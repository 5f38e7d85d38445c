// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <memory>
#include <utility>

#include "common/errors/errors.h"
#include "common/limits/limits.h"
#include "services/frontend/call_errors.h"
#include "services/frontend/limits.h"
#include "services/frontend/list_filter.h"
#include "services/frontend/page_token.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {
namespace {

absl::StatusOr<internal::v1::ListJobsRequest> ToStateRequest(const v1::ListJobsRequest& request,
                                                             const std::string& tenant) {
  auto query = ParseListFilter(request.filter());
  if (!query.ok()) return query.status();
  if (request.page_size() < 0) {
    return InvalidField("page_size", "must be 1 to 1000, or 0 for the default");
  }
  const auto before = ParsePageToken(tenant, request.filter(), request.page_token());
  if (!before.ok()) return before.status();
  query->set_tenant(tenant);
  query->set_page_size(request.page_size() == 0 ? kDefaultPageSize
                                                : std::min(request.page_size(), kMaxPageSize));
  if (before->has_value()) query->set_before_id(std::string((*before)->bytes()));
  return query;
}

// Takes as many jobs as the page may be large, at least one. Returns the id that the next
// page goes on from, if there is one.
std::optional<JobId> FillPage(internal::v1::ListJobsResponse& from, v1::ListJobsResponse* page) {
  size_t bytes = 0;
  for (v1::Job& job : *from.mutable_jobs()) {
    bytes += job.ByteSizeLong();
    if (bytes > kMaxPageBytes && page->jobs_size() > 0) {
      return JobId::Parse(page->jobs(page->jobs_size() - 1).id());
    }
    *page->add_jobs() = std::move(job);
  }
  return JobId::FromBytes(from.next_before_id());
}

// Asks for a page, and for a shorter one if it does not fit into a message.
void ReadPage(StateClient* state, internal::v1::ListJobsRequest query,
              StateClient::Done<internal::v1::ListJobsResponse> done) {
  const auto shorter = std::max(query.page_size() / 10, 1);
  state->ListJobs(query, [state, query, shorter, done = std::move(done)](
                             absl::StatusOr<internal::v1::ListJobsResponse> answer) mutable {
    if (ErrorReason(answer.status()) == kAnswerTooLarge && query.page_size() > shorter) {
      query.set_page_size(shorter);
      ReadPage(state, std::move(query), std::move(done));
    } else {
      done(std::move(answer));
    }
  });
}

}  // namespace

grpc::ServerUnaryReactor* JobService::ListJobs(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  const auto call = UnaryCall::Make(context, parts_, Method::kListJobs);
  const auto tenant = CallerTenant(*context);
  if (!tenant.ok()) {
    call->Finish(tenant.status());
    return call->reactor();
  }
  const auto asked = ParsePlainRequest<v1::ListJobsRequest>(*request);
  auto query = asked.ok() ? ToStateRequest(*asked, *tenant) : asked.status();
  if (!query.ok()) {
    call->Finish(query.status());
    return call->reactor();
  }
  auto* const page = call->AnswerIn<v1::ListJobsResponse>(response);
  ReadPage(parts_.state, *std::move(query),
           [call, page, filter = asked->filter(),
            tenant = *tenant](absl::StatusOr<internal::v1::ListJobsResponse> answer) {
             if (answer.ok()) {
               const auto next = FillPage(*answer, page);
               if (next.has_value()) {
                 page->set_next_page_token(MakePageToken(tenant, filter, *next));
               }
             }
             call->Finish(answer.status());
           });
  return call->reactor();
}

}  // namespace buzzer::frontend
