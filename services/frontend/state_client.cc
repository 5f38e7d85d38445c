// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/state_client.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/grpc/status.h"
#include "services/frontend/call_errors.h"

namespace buzzer::frontend {

StateClient::StateClient(const std::shared_ptr<grpc::Channel>& channel, absl::Duration deadline)
    : deadline_(deadline), stub_(internal::v1::StateService::NewStub(channel)) {}

StateClient::~StateClient() {
  MutexLock lock(&mutex_);
  while (calls_ > 0) idle_.Wait(&mutex_);
}

template <typename Request, typename Response>
void StateClient::Call(StubMethod<Request, Response> method, Request request, Done<Response> done) {
  struct Pending {
    grpc::ClientContext context;
    Request request;
    Response response;
  };
  {
    MutexLock lock(&mutex_);
    ++calls_;
  }
  auto pending = std::make_shared<Pending>();
  pending->request = std::move(request);
  pending->context.set_deadline(absl::ToChronoTime(absl::Now() + deadline_));
  (stub_->async()->*method)(&pending->context, &pending->request, &pending->response,
                            [this, pending, done = std::move(done)](const grpc::Status& status) {
                              if (status.ok()) {
                                done(std::move(pending->response));
                              } else {
                                done(FromState(FromGrpcStatus(status)));
                              }
                              OnCallDone();
                            });
}

void StateClient::OnCallDone() {
  MutexLock lock(&mutex_);
  if (--calls_ == 0) idle_.NotifyAll();
}

void StateClient::GetJob(internal::v1::GetJobRequest request,
                         Done<internal::v1::GetJobResponse> done) {
  Call<internal::v1::GetJobRequest, internal::v1::GetJobResponse>(&Stub::GetJob, std::move(request),
                                                                  std::move(done));
}

void StateClient::ListJobs(internal::v1::ListJobsRequest request,
                           Done<internal::v1::ListJobsResponse> done) {
  Call<internal::v1::ListJobsRequest, internal::v1::ListJobsResponse>(
      &Stub::ListJobs, std::move(request), std::move(done));
}

void StateClient::GetJobResult(internal::v1::GetJobResultRequest request,
                               Done<internal::v1::GetJobResultResponse> done) {
  Call<internal::v1::GetJobResultRequest, internal::v1::GetJobResultResponse>(
      &Stub::GetJobResult, std::move(request), std::move(done));
}

void StateClient::CancelJob(internal::v1::CancelJobRequest request,
                            Done<internal::v1::CancelJobResponse> done) {
  Call<internal::v1::CancelJobRequest, internal::v1::CancelJobResponse>(
      &Stub::CancelJob, std::move(request), std::move(done));
}

void StateClient::RetryJob(internal::v1::RetryJobRequest request,
                           Done<internal::v1::RetryJobResponse> done) {
  Call<internal::v1::RetryJobRequest, internal::v1::RetryJobResponse>(
      &Stub::RetryJob, std::move(request), std::move(done));
}

void StateClient::DeleteJob(internal::v1::DeleteJobRequest request,
                            Done<internal::v1::DeleteJobResponse> done) {
  Call<internal::v1::DeleteJobRequest, internal::v1::DeleteJobResponse>(
      &Stub::DeleteJob, std::move(request), std::move(done));
}

void StateClient::GetQueue(internal::v1::GetQueueRequest request,
                           Done<internal::v1::GetQueueResponse> done) {
  Call<internal::v1::GetQueueRequest, internal::v1::GetQueueResponse>(
      &Stub::GetQueue, std::move(request), std::move(done));
}

void StateClient::ListQueues(internal::v1::ListQueuesRequest request,
                             Done<internal::v1::ListQueuesResponse> done) {
  Call<internal::v1::ListQueuesRequest, internal::v1::ListQueuesResponse>(
      &Stub::ListQueues, std::move(request), std::move(done));
}

void StateClient::SetQueuePaused(internal::v1::SetQueuePausedRequest request,
                                 Done<internal::v1::SetQueuePausedResponse> done) {
  Call<internal::v1::SetQueuePausedRequest, internal::v1::SetQueuePausedResponse>(
      &Stub::SetQueuePaused, std::move(request), std::move(done));
}

void StateClient::ReleaseKey(internal::v1::ReleaseKeyRequest request,
                             Done<internal::v1::ReleaseKeyResponse> done) {
  Call<internal::v1::ReleaseKeyRequest, internal::v1::ReleaseKeyResponse>(
      &Stub::ReleaseKey, std::move(request), std::move(done));
}

void StateClient::DeleteQueue(internal::v1::DeleteQueueRequest request,
                              Done<internal::v1::DeleteQueueResponse> done) {
  Call<internal::v1::DeleteQueueRequest, internal::v1::DeleteQueueResponse>(
      &Stub::DeleteQueue, std::move(request), std::move(done));
}

void StateClient::DeleteType(internal::v1::DeleteTypeRequest request,
                             Done<internal::v1::DeleteTypeResponse> done) {
  Call<internal::v1::DeleteTypeRequest, internal::v1::DeleteTypeResponse>(
      &Stub::DeleteType, std::move(request), std::move(done));
}

}  // namespace buzzer::frontend
