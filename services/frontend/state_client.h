// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_STATE_CLIENT_H_
#define SERVICES_FRONTEND_STATE_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/mutex/mutex.h"

namespace buzzer::frontend {

// The unary calls to the state service. Each ends within `deadline`; while state cannot
// be reached each fails at once. Errors are as FromState makes them: a call that had no
// answer is UNAVAILABLE (STATE_UNAVAILABLE), as all of them may be repeated. `done` runs
// on a gRPC thread and must not block. Thread-safe.
class StateClient {
 public:
  template <typename Response>
  using Done = std::function<void(absl::StatusOr<Response>)>;

  StateClient(const std::shared_ptr<grpc::Channel>& channel, absl::Duration deadline);

  // Waits for the calls under way.
  ~StateClient();

  void GetJob(internal::v1::GetJobRequest request, Done<internal::v1::GetJobResponse> done);
  void ListJobs(internal::v1::ListJobsRequest request, Done<internal::v1::ListJobsResponse> done);
  void GetJobResult(internal::v1::GetJobResultRequest request,
                    Done<internal::v1::GetJobResultResponse> done);
  void CancelJob(internal::v1::CancelJobRequest request,
                 Done<internal::v1::CancelJobResponse> done);
  void RetryJob(internal::v1::RetryJobRequest request, Done<internal::v1::RetryJobResponse> done);
  void DeleteJob(internal::v1::DeleteJobRequest request,
                 Done<internal::v1::DeleteJobResponse> done);
  void GetQueue(internal::v1::GetQueueRequest request, Done<internal::v1::GetQueueResponse> done);
  void ListQueues(internal::v1::ListQueuesRequest request,
                  Done<internal::v1::ListQueuesResponse> done);
  void SetQueuePaused(internal::v1::SetQueuePausedRequest request,
                      Done<internal::v1::SetQueuePausedResponse> done);
  void ReleaseKey(internal::v1::ReleaseKeyRequest request,
                  Done<internal::v1::ReleaseKeyResponse> done);
  void DeleteQueue(internal::v1::DeleteQueueRequest request,
                   Done<internal::v1::DeleteQueueResponse> done);
  void DeleteType(internal::v1::DeleteTypeRequest request,
                  Done<internal::v1::DeleteTypeResponse> done);

 private:
  using Stub = internal::v1::StateService::StubInterface::async_interface;
  template <typename Request, typename Response>
  using StubMethod = void (Stub::*)(grpc::ClientContext*, const Request*, Response*,
                                    std::function<void(grpc::Status)>);

  template <typename Request, typename Response>
  void Call(StubMethod<Request, Response> method, Request request, Done<Response> done);
  void OnCallDone();

  const absl::Duration deadline_;
  const std::unique_ptr<internal::v1::StateService::Stub> stub_;
  Mutex mutex_;
  CondVar idle_;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_STATE_CLIENT_H_
