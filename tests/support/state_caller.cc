// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/state_caller.h"

#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <utility>

#include "common/errors/errors.h"
#include "common/grpc/channel.h"

namespace buzzer::testing {
namespace {

// A request about one job.
template <typename Request>
Request About(const JobId& job, const std::string& tenant) {
  Request request;
  request.set_tenant(tenant);
  request.set_id(std::string(job.bytes()));
  return request;
}

// The job, or the queue, that an answer is all about.
template <typename Response>
absl::StatusOr<v1::Job> JobOf(absl::StatusOr<Response> response) {
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_job());
}
template <typename Response>
absl::StatusOr<v1::Queue> QueueOf(absl::StatusOr<Response> response) {
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_queue());
}

}  // namespace

bool WatchLine::Start(int64_t watch, const JobId& job, int64_t after_revision,
                      const std::string& tenant) {
  internal::v1::WatchRequest::Start start;
  start.set_watch(watch);
  start.set_tenant(tenant);
  start.set_job_id(std::string(job.bytes()));
  start.set_after_revision(after_revision);
  return Start(start);
}

bool WatchLine::Start(const internal::v1::WatchRequest::Start& start) {
  // What came under the number before was another watch's.
  events_.erase(start.watch());
  ends_.erase(start.watch());
  internal::v1::WatchRequest request;
  *request.add_start() = start;
  return line_->Send(request);
}

bool WatchLine::Stop(int64_t watch) {
  internal::v1::WatchRequest request;
  request.add_stop(watch);
  return line_->Send(request);
}

std::optional<v1::JobEvent> WatchLine::Next(int64_t watch) {
  std::deque<v1::JobEvent>& events = events_[watch];
  while (events.empty()) {
    if (ends_.contains(watch)) return std::nullopt;
    auto response = line_->Read();
    if (!response.has_value()) return std::nullopt;
    for (auto& item : *response->mutable_items()) {
      for (auto& event : *item.mutable_events()) events_[item.watch()].push_back(std::move(event));
      if (item.has_end()) ends_[item.watch()] = FromRpcStatus(item.end());
    }
  }
  v1::JobEvent event = std::move(events.front());
  events.pop_front();
  return event;
}

std::vector<int64_t> WatchLine::RevisionsToEnd(int64_t watch) {
  std::vector<int64_t> revisions;
  while (auto event = Next(watch)) revisions.push_back(event->revision());
  return revisions;
}

absl::Status WatchLine::EndOf(int64_t watch) const {
  const auto it = ends_.find(watch);
  return it == ends_.end() ? absl::UnknownError("the watch has not ended") : it->second;
}

StateCaller::StateCaller(const std::string& address)
    : channel_(MakeChannel(address, grpc::InsecureChannelCredentials())),
      stub_(internal::v1::StateService::NewStub(channel_)) {}

absl::Status StateCaller::CallWithBytes(const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  return FromGrpcStatus(done.get_future().get());
}

absl::Status StateCaller::StreamWithBytes(const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(channel_);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  };
  const auto stream = stub.PrepareCall(&context, method, &queue);
  stream->StartCall(nullptr);
  next();
  const grpc::Slice slice(bytes);
  stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  next();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  next();
  return FromGrpcStatus(status);
}

StateCaller::SubmitAnswer StateCaller::Submit(const internal::v1::NewJob& job) {
  return Submit(std::vector<internal::v1::NewJob>{job}).front();
}

std::vector<StateCaller::SubmitAnswer> StateCaller::Submit(
    const std::vector<internal::v1::NewJob>& jobs) {
  const auto line = OpenSubmitLine();
  internal::v1::SubmitRequest request;
  request.set_batch(1);
  for (const auto& job : jobs) *request.add_jobs() = job;
  line->Send(request);
  auto response = line->Read();
  std::vector<SubmitAnswer> answers;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const auto place = static_cast<int>(i);
    if (!response.has_value() || place >= response->results_size()) {
      answers.emplace_back(absl::UnknownError("no answer came"));
    } else if (auto& result = *response->mutable_results(place); result.has_job()) {
      answers.emplace_back(std::move(*result.mutable_job()));
    } else {
      const absl::Status error = FromRpcStatus(result.error());
      answers.emplace_back(error.ok() ? absl::UnknownError("neither a job nor an error") : error);
    }
  }
  return answers;
}

absl::StatusOr<v1::Job> StateCaller::Get(const JobId& job, const std::string& tenant) {
  return JobOf(Call(&Stub::GetJob, About<internal::v1::GetJobRequest>(job, tenant)));
}

absl::StatusOr<internal::v1::GetJobResponse> StateCaller::GetFull(const JobId& job,
                                                                  const std::string& tenant) {
  auto request = About<internal::v1::GetJobRequest>(job, tenant);
  request.set_full(true);
  return Call(&Stub::GetJob, request);
}

absl::StatusOr<internal::v1::ListJobsResponse> StateCaller::List(
    internal::v1::ListJobsRequest request) {
  if (request.tenant().empty()) request.set_tenant("default");
  if (request.page_size() == 0) request.set_page_size(50);
  return Call(&Stub::ListJobs, request);
}

absl::StatusOr<internal::v1::GetJobResultResponse> StateCaller::GetResult(
    const JobId& job, const std::string& tenant) {
  return Call(&Stub::GetJobResult, About<internal::v1::GetJobResultRequest>(job, tenant));
}

absl::StatusOr<v1::Job> StateCaller::Cancel(const JobId& job, bool force,
                                            const std::string& tenant) {
  auto request = About<internal::v1::CancelJobRequest>(job, tenant);
  request.set_force(force);
  return JobOf(Call(&Stub::CancelJob, request));
}

absl::StatusOr<v1::Job> StateCaller::Retry(const JobId& job, const std::string& tenant) {
  return JobOf(Call(&Stub::RetryJob, About<internal::v1::RetryJobRequest>(job, tenant)));
}

absl::Status StateCaller::Delete(const JobId& job, const std::string& tenant) {
  return Call(&Stub::DeleteJob, About<internal::v1::DeleteJobRequest>(job, tenant)).status();
}

absl::Status StateCaller::ReleaseKey(const std::string& key, const std::string& tenant) {
  internal::v1::ReleaseKeyRequest request;
  request.set_tenant(tenant);
  request.set_idempotency_key(key);
  return Call(&Stub::ReleaseKey, request).status();
}

absl::StatusOr<v1::Queue> StateCaller::GetQueue(const std::string& queue,
                                                const std::string& tenant) {
  internal::v1::GetQueueRequest request;
  request.set_tenant(tenant);
  request.set_queue(queue);
  return QueueOf(Call(&Stub::GetQueue, request));
}

absl::StatusOr<std::vector<v1::Queue>> StateCaller::ListQueues(const std::string& tenant) {
  internal::v1::ListQueuesRequest request;
  request.set_tenant(tenant);
  const auto response = Call(&Stub::ListQueues, request);
  if (!response.ok()) return response.status();
  return std::vector<v1::Queue>(response->queues().begin(), response->queues().end());
}

absl::StatusOr<v1::Queue> StateCaller::SetQueuePaused(const std::string& queue, bool paused) {
  internal::v1::SetQueuePausedRequest request;
  request.set_tenant("default");
  request.set_queue(queue);
  request.set_paused(paused);
  return QueueOf(Call(&Stub::SetQueuePaused, request));
}

absl::Status StateCaller::DeleteQueue(const std::string& queue) {
  internal::v1::DeleteQueueRequest request;
  request.set_queue(queue);
  return Call(&Stub::DeleteQueue, request).status();
}

absl::Status StateCaller::DeleteType(const std::string& type) {
  internal::v1::DeleteTypeRequest request;
  request.set_type(type);
  return Call(&Stub::DeleteType, request).status();
}

std::unique_ptr<SubmitLine> StateCaller::OpenSubmitLine() {
  return std::make_unique<SubmitLine>(
      [this](grpc::ClientContext* context) { return stub_->Submit(context); });
}

WatchLine StateCaller::OpenWatchLine() {
  return WatchLine(std::make_unique<WatchLine::Line>(
      [this](grpc::ClientContext* context) { return stub_->Watch(context); }));
}

}  // namespace buzzer::testing
