// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_STATE_SERVICE_H_
#define SERVICES_STATE_RPC_STATE_SERVICE_H_

#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "services/state/dispatcher.h"
#include "services/state/job_event_hub.h"
#include "services/state/job_store.h"
#include "services/state/queue_views.h"
#include "services/state/type_registry.h"

namespace buzzer::state {

// buzzer.internal.v1.StateService: turns each call into one of the store's and back.
// Thread-safe; runs on gRPC's threads and never blocks them.
class StateService final : public internal::v1::StateService::CallbackService {
 public:
  // Not owned; must outlive the server.
  struct Parts {
    JobStore* store = nullptr;
    TypeRegistry* types = nullptr;
    JobEventHub* hub = nullptr;
    Dispatcher* dispatcher = nullptr;
    const QueueViews* queues = nullptr;
  };
  explicit StateService(Parts parts) : parts_(parts) {}

  grpc::ServerBidiReactor<internal::v1::SubmitRequest, internal::v1::SubmitResponse>* Submit(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<internal::v1::WatchRequest, internal::v1::WatchResponse>* Watch(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const internal::v1::GetJobRequest* request,
                                   internal::v1::GetJobResponse* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const internal::v1::ListJobsRequest* request,
                                     internal::v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* GetJobResult(grpc::CallbackServerContext* context,
                                         const internal::v1::GetJobResultRequest* request,
                                         internal::v1::GetJobResultResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const internal::v1::CancelJobRequest* request,
                                      internal::v1::CancelJobResponse* response) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const internal::v1::RetryJobRequest* request,
                                     internal::v1::RetryJobResponse* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const internal::v1::DeleteJobRequest* request,
                                      internal::v1::DeleteJobResponse* response) override;
  grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                     const internal::v1::GetQueueRequest* request,
                                     internal::v1::GetQueueResponse* response) override;
  grpc::ServerUnaryReactor* ListQueues(grpc::CallbackServerContext* context,
                                       const internal::v1::ListQueuesRequest* request,
                                       internal::v1::ListQueuesResponse* response) override;
  grpc::ServerUnaryReactor* SetQueuePaused(grpc::CallbackServerContext* context,
                                           const internal::v1::SetQueuePausedRequest* request,
                                           internal::v1::SetQueuePausedResponse* response) override;

 private:
  const Parts parts_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_STATE_SERVICE_H_
