// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_STATE_SERVICE_H_
#define SERVICES_STATE_RPC_STATE_SERVICE_H_

#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/grpc/raw_messages.h"
#include "services/state/dispatch/dispatcher.h"
#include "services/state/queues/queue_views.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/wait_reasons.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/store/job_store.h"
#include "services/state/watch/job_event_hub.h"

namespace buzzer::state {

// Every method gets and gives bytes (see common/grpc/raw_messages.h).
using StateServiceBase =
    WithRawMethods<internal::v1::StateService::Service,
                   internal::v1::StateService::WithRawCallbackMethod_Submit,
                   internal::v1::StateService::WithRawCallbackMethod_Watch,
                   internal::v1::StateService::WithRawCallbackMethod_GetJob,
                   internal::v1::StateService::WithRawCallbackMethod_ListJobs,
                   internal::v1::StateService::WithRawCallbackMethod_GetJobResult,
                   internal::v1::StateService::WithRawCallbackMethod_CancelJob,
                   internal::v1::StateService::WithRawCallbackMethod_RetryJob,
                   internal::v1::StateService::WithRawCallbackMethod_DeleteJob,
                   internal::v1::StateService::WithRawCallbackMethod_GetQueue,
                   internal::v1::StateService::WithRawCallbackMethod_ListQueues,
                   internal::v1::StateService::WithRawCallbackMethod_SetQueuePaused,
                   internal::v1::StateService::WithRawCallbackMethod_ReleaseKey,
                   internal::v1::StateService::WithRawCallbackMethod_DeleteQueue,
                   internal::v1::StateService::WithRawCallbackMethod_DeleteType>::Type;

// buzzer.internal.v1.StateService: turns each call into one of the store's and back.
// Thread-safe; runs on gRPC's threads and never blocks them.
class StateService final : public StateServiceBase {
 public:
  // Not owned; must outlive the server.
  struct Parts {
    JobStore* store = nullptr;
    TypeRegistry* types = nullptr;
    JobEventHub* hub = nullptr;
    Dispatcher* dispatcher = nullptr;
    const QueueViews* queues = nullptr;
    const WorkerRegistry* workers = nullptr;
    const WaitReasons* waits = nullptr;
  };
  explicit StateService(Parts parts) : parts_(parts) {}

  // Those that would get messages are never called.
  using StateServiceBase::CancelJob;
  using StateServiceBase::DeleteJob;
  using StateServiceBase::DeleteQueue;
  using StateServiceBase::DeleteType;
  using StateServiceBase::GetJob;
  using StateServiceBase::GetJobResult;
  using StateServiceBase::GetQueue;
  using StateServiceBase::ListJobs;
  using StateServiceBase::ListQueues;
  using StateServiceBase::ReleaseKey;
  using StateServiceBase::RetryJob;
  using StateServiceBase::SetQueuePaused;
  using StateServiceBase::Submit;
  using StateServiceBase::Watch;

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Submit(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Watch(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* bytes,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetJobResult(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* bytes,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* bytes,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* bytes,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListQueues(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetQueuePaused(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* bytes,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReleaseKey(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteQueue(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteType(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* response) override;

 private:
  const Parts parts_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_STATE_SERVICE_H_
