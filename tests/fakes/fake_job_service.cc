// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_job_service.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc/status.h"

namespace buzzer::testing {
namespace {

template <typename Function, typename... Arguments>
grpc::Status Answer(const Function& function, Arguments&&... arguments) {
  if (!function) return {grpc::StatusCode::UNIMPLEMENTED, "the test has set no answer"};
  return ToGrpcStatus(function(std::forward<Arguments>(arguments)...));
}

}  // namespace

class FakeJobService::Jobs final : public v1::JobService::Service {
 public:
  explicit Jobs(FakeJobService* fake) : fake_(fake) {}

  grpc::Status SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest* request,
                         v1::Job* job) override {
    return Answer(fake_->on_submit, *request, job);
  }
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                      v1::Job* job) override {
    return Answer(fake_->on_get, *request, job);
  }
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* jobs) override {
    return Answer(fake_->on_list, *request, jobs);
  }
  grpc::Status GetJobResult(grpc::ServerContext*, const v1::GetJobResultRequest* request,
                            google::api::HttpBody* result) override {
    return Answer(fake_->on_result, *request, result);
  }
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                         v1::Job* job) override {
    return Answer(fake_->on_cancel, *request, job);
  }
  grpc::Status DeleteJob(grpc::ServerContext*, const v1::DeleteJobRequest* request,
                         google::protobuf::Empty*) override {
    return Answer(fake_->on_delete, *request);
  }
  grpc::Status ReleaseIdempotencyKey(grpc::ServerContext*,
                                     const v1::ReleaseIdempotencyKeyRequest* request,
                                     v1::ReleaseIdempotencyKeyResponse*) override {
    return Answer(fake_->on_release, *request);
  }
  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::WatchJobResponse>* writer) override {
    return ToGrpcStatus(fake_->TellWatch(*request, context, writer));
  }

 private:
  FakeJobService* const fake_;
};

class FakeJobService::Queues final : public v1::QueueService::Service {
 public:
  explicit Queues(FakeJobService* fake) : fake_(fake) {}

  grpc::Status PauseQueue(grpc::ServerContext*, const v1::PauseQueueRequest* request,
                          v1::Queue* queue) override {
    return Answer(fake_->on_pause, *request, queue);
  }
  grpc::Status DeleteQueue(grpc::ServerContext*, const v1::DeleteQueueRequest* request,
                           google::protobuf::Empty*) override {
    return Answer(fake_->on_delete_queue, *request);
  }
  grpc::Status DeleteType(grpc::ServerContext*, const v1::DeleteTypeRequest* request,
                          google::protobuf::Empty*) override {
    return Answer(fake_->on_delete_type, *request);
  }

 private:
  FakeJobService* const fake_;
};

FakeJobService::FakeJobService()
    : jobs_(std::make_unique<Jobs>(this)), queues_(std::make_unique<Queues>(this)) {
  GrpcServer::Options options;
  options.max_receive_bytes = kMaxFrontendRequestBytes;
  options.address = "127.0.0.1:0";
  options.credentials = grpc::InsecureServerCredentials();
  options.services = {jobs_.get(), queues_.get()};
  auto server = GrpcServer::Start(options);
  if (!server.ok()) {
    std::cerr << server.status() << std::endl;
    std::abort();
  }
  server_ = *std::move(server);
}

FakeJobService::~FakeJobService() { server_->Shutdown(absl::ZeroDuration()); }

std::string FakeJobService::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

void FakeJobService::AddWatch(Watch watch) {
  MutexLock lock(&mutex_);
  watches_.push_back(std::move(watch));
}

std::vector<int64_t> FakeJobService::watched_after() const {
  MutexLock lock(&mutex_);
  return watched_after_;
}

void FakeJobService::AwaitLeft() {
  MutexLock lock(&mutex_);
  while (!left_) changed_.Wait(&mutex_);
}

absl::Status FakeJobService::TellWatch(const v1::WatchJobRequest& request,
                                       grpc::ServerContext* context,
                                       grpc::ServerWriter<v1::WatchJobResponse>* writer) {
  Watch watch;
  {
    MutexLock lock(&mutex_);
    watched_after_.push_back(request.after_revision());
    if (watches_.empty()) return absl::InternalError("the test has set no watch");
    watch = std::move(watches_.front());
    watches_.pop_front();
  }
  for (const v1::JobEvent& event : watch.events) {
    v1::WatchJobResponse response;
    *response.mutable_event() = event;
    writer->Write(response);
  }
  if (!watch.stays_open) return watch.end;
  MutexLock lock(&mutex_);
  // The synchronous API tells nobody when the client leaves.
  while (!context->IsCancelled()) changed_.WaitFor(&mutex_, std::chrono::milliseconds(5));
  left_ = true;
  changed_.NotifyAll();
  return absl::CancelledError("the client left");
}

}  // namespace buzzer::testing
