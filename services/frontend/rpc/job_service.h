// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_JOB_SERVICE_H_
#define SERVICES_FRONTEND_RPC_JOB_SERVICE_H_

#include "buzzer/v1/job_service.grpc.pb.h"
#include "common/grpc/raw_messages.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// Every method gets and gives bytes (see common/grpc/raw_messages.h).
using JobServiceBase = WithRawMethods<
    v1::JobService::Service, v1::JobService::WithRawCallbackMethod_SubmitJob,
    v1::JobService::WithRawCallbackMethod_BatchSubmitJobs,
    v1::JobService::WithRawCallbackMethod_GetJob, v1::JobService::WithRawCallbackMethod_ListJobs,
    v1::JobService::WithRawCallbackMethod_WaitJob, v1::JobService::WithRawCallbackMethod_WatchJob,
    v1::JobService::WithRawCallbackMethod_StreamJobEvents,
    v1::JobService::WithRawCallbackMethod_GetJobResult,
    v1::JobService::WithRawCallbackMethod_CancelJob, v1::JobService::WithRawCallbackMethod_RetryJob,
    v1::JobService::WithRawCallbackMethod_DeleteJob,
    v1::JobService::WithRawCallbackMethod_ReleaseIdempotencyKey>::Type;

// buzzer.v1.JobService; job_service.proto says what each method promises, the file named
// like it how it is done. Thread-safe; runs on gRPC's threads and never blocks them.
class JobService final : public JobServiceBase {
 public:
  explicit JobService(const Parts& parts) : parts_(parts) {}

  // Those that would get messages are never called.
  using JobServiceBase::BatchSubmitJobs;
  using JobServiceBase::CancelJob;
  using JobServiceBase::DeleteJob;
  using JobServiceBase::GetJob;
  using JobServiceBase::GetJobResult;
  using JobServiceBase::ListJobs;
  using JobServiceBase::ReleaseIdempotencyKey;
  using JobServiceBase::RetryJob;
  using JobServiceBase::StreamJobEvents;
  using JobServiceBase::SubmitJob;
  using JobServiceBase::WaitJob;
  using JobServiceBase::WatchJob;

  grpc::ServerUnaryReactor* SubmitJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchSubmitJobs(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* WaitJob(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchJob(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamJobEvents(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* GetJobResult(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReleaseIdempotencyKey(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) override;

 private:
  const Parts parts_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_JOB_SERVICE_H_
