// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_QUEUE_SERVICE_H_
#define SERVICES_FRONTEND_RPC_QUEUE_SERVICE_H_

#include "buzzer/v1/queue_service.grpc.pb.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// buzzer.v1.QueueService, as JobService. Thread-safe.
class QueueService final : public v1::QueueService::CallbackService {
 public:
  explicit QueueService(const Parts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                     const v1::GetQueueRequest* request,
                                     v1::Queue* response) override;
  grpc::ServerUnaryReactor* ListQueues(grpc::CallbackServerContext* context,
                                       const v1::ListQueuesRequest* request,
                                       v1::ListQueuesResponse* response) override;
  grpc::ServerUnaryReactor* PauseQueue(grpc::CallbackServerContext* context,
                                       const v1::PauseQueueRequest* request,
                                       v1::Queue* response) override;
  grpc::ServerUnaryReactor* ResumeQueue(grpc::CallbackServerContext* context,
                                        const v1::ResumeQueueRequest* request,
                                        v1::Queue* response) override;

 private:
  const Parts parts_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_QUEUE_SERVICE_H_
