// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_QUEUE_SERVICE_H_
#define SERVICES_FRONTEND_RPC_QUEUE_SERVICE_H_

#include "buzzer/v1/queue_service.grpc.pb.h"
#include "common/grpc/raw_messages.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

using QueueServiceBase =
    WithRawMethods<v1::QueueService::Service, v1::QueueService::WithRawCallbackMethod_GetQueue,
                   v1::QueueService::WithRawCallbackMethod_ListQueues,
                   v1::QueueService::WithRawCallbackMethod_PauseQueue,
                   v1::QueueService::WithRawCallbackMethod_ResumeQueue,
                   v1::QueueService::WithRawCallbackMethod_DeleteQueue,
                   v1::QueueService::WithRawCallbackMethod_DeleteType>::Type;

// buzzer.v1.QueueService, as JobService. Thread-safe.
class QueueService final : public QueueServiceBase {
 public:
  explicit QueueService(const Parts& parts) : parts_(parts) {}

  using QueueServiceBase::DeleteQueue;
  using QueueServiceBase::DeleteType;
  using QueueServiceBase::GetQueue;
  using QueueServiceBase::ListQueues;
  using QueueServiceBase::PauseQueue;
  using QueueServiceBase::ResumeQueue;

  grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListQueues(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* PauseQueue(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ResumeQueue(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteQueue(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteType(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

 private:
  const Parts parts_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_QUEUE_SERVICE_H_
