// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_JOB_SERVICE_H_
#define SERVICES_FRONTEND_RPC_JOB_SERVICE_H_

#include "buzzer/v1/job_service.grpc.pb.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// The methods whose requests hold a google.protobuf.Value get bytes (see submit_bytes.h).
using JobServiceBase = v1::JobService::WithRawCallbackMethod_SubmitJob<
    v1::JobService::WithRawCallbackMethod_BatchSubmitJobs<v1::JobService::CallbackService>>;

// buzzer.v1.JobService; job_service.proto says what each method promises, the file named
// like it how it is done. Thread-safe; runs on gRPC's threads and never blocks them.
class JobService final : public JobServiceBase {
 public:
  explicit JobService(const Parts& parts) : parts_(parts) {}

  // Those without bytes are never called.
  using JobServiceBase::BatchSubmitJobs;
  using JobServiceBase::SubmitJob;

  grpc::ServerUnaryReactor* SubmitJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchSubmitJobs(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* WaitJob(grpc::CallbackServerContext* context,
                                    const v1::WaitJobRequest* request, v1::Job* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(
      grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) override;
  grpc::ServerWriteReactor<google::api::HttpBody>* StreamJobEvents(
      grpc::CallbackServerContext* context, const v1::StreamJobEventsRequest* request) override;
  grpc::ServerUnaryReactor* GetJobResult(grpc::CallbackServerContext* context,
                                         const v1::GetJobResultRequest* request,
                                         google::api::HttpBody* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const v1::RetryJobRequest* request,
                                     v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const v1::DeleteJobRequest* request,
                                      google::protobuf::Empty* response) override;

 private:
  const Parts parts_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_JOB_SERVICE_H_
