// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SUPPORT_STATE_CALLER_H_
#define TESTS_SUPPORT_STATE_CALLER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/grpc/status.h"
#include "common/job_id/job_id.h"

namespace buzzer::testing {

// One stream of a frontend's to a state service. A call or a read that gets no answer within a
// minute fails; only a failing test comes near. Not thread-safe.
template <typename Request, typename Response>
class StateLine {
 public:
  using Stream = grpc::ClientReaderWriter<Request, Response>;

  // `open(context)` opens the stream.
  template <typename Open>
  explicit StateLine(const Open& open) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    stream_ = open(&context_);
  }
  ~StateLine() {
    context_.TryCancel();
    (void)Finish();
  }
  StateLine(const StateLine&) = delete;
  StateLine& operator=(const StateLine&) = delete;

  bool Send(const Request& request) { return stream_->Write(request); }
  // The next message; nullopt at the end of the stream.
  std::optional<Response> Read() {
    Response response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  // There is nothing more to send.
  void EndRequests() { stream_->WritesDone(); }
  // How the stream ended. Waits for the end.
  absl::Status Finish() {
    if (stream_ != nullptr) {
      status_ = FromGrpcStatus(stream_->Finish());
      stream_.reset();
    }
    return status_;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
  absl::Status status_;
};

using SubmitLine = StateLine<internal::v1::SubmitRequest, internal::v1::SubmitResponse>;

// A frontend's watch line, taken apart by watches. Not thread-safe.
class WatchLine {
 public:
  using Line = StateLine<internal::v1::WatchRequest, internal::v1::WatchResponse>;

  explicit WatchLine(std::unique_ptr<Line> line) : line_(std::move(line)) {}

  bool Start(int64_t watch, const JobId& job, int64_t after_revision = 0,
             const std::string& tenant = "default");
  bool Start(const internal::v1::WatchRequest::Start& start);
  bool Stop(int64_t watch);

  // The next event of the watch; nullopt when it has ended, or the stream has.
  std::optional<v1::JobEvent> Next(int64_t watch);
  // Revisions of all events to the end of the watch.
  std::vector<int64_t> RevisionsToEnd(int64_t watch);
  // How the watch ended, once Next has given nullopt; UNKNOWN if the stream ended first.
  absl::Status EndOf(int64_t watch) const;

  Line& line() { return *line_; }

 private:
  const std::unique_ptr<Line> line_;
  // What has come and was not taken yet.
  std::map<int64_t, std::deque<v1::JobEvent>> events_;
  std::map<int64_t, absl::Status> ends_;
};

// A frontend's calls to a state service, one at a time and waited for. Errors come with their
// details (see common/errors). Thread-safe.
class StateCaller {
 public:
  using Stub = internal::v1::StateService::Stub;
  using SubmitAnswer = absl::StatusOr<v1::Job>;

  explicit StateCaller(const std::string& address);

  // A call that has no stream: Call(&StateCaller::Stub::GetJob, request).
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status);
    return response;
  }
  // A call of that method with these bytes for a message.
  absl::Status CallWithBytes(const std::string& method, const std::string& bytes);
  // The same for a stream: how it ends.
  absl::Status StreamWithBytes(const std::string& method, const std::string& bytes);

  // Submits one job on a stream of its own.
  SubmitAnswer Submit(const internal::v1::NewJob& job);
  // Submits jobs in one batch. Gives as many answers as there are jobs.
  std::vector<SubmitAnswer> Submit(const std::vector<internal::v1::NewJob>& jobs);

  absl::StatusOr<v1::Job> Get(const JobId& job, const std::string& tenant = "default");
  // With payload and history.
  absl::StatusOr<internal::v1::GetJobResponse> GetFull(const JobId& job,
                                                       const std::string& tenant = "default");
  absl::StatusOr<internal::v1::ListJobsResponse> List(internal::v1::ListJobsRequest request);
  absl::StatusOr<internal::v1::GetJobResultResponse> GetResult(
      const JobId& job, const std::string& tenant = "default");
  absl::StatusOr<v1::Job> Cancel(const JobId& job, bool force = false,
                                 const std::string& tenant = "default");
  absl::StatusOr<v1::Job> Retry(const JobId& job, const std::string& tenant = "default");
  absl::Status Delete(const JobId& job, const std::string& tenant = "default");
  absl::Status ReleaseKey(const std::string& key, const std::string& tenant = "default");
  absl::StatusOr<v1::Queue> GetQueue(const std::string& queue,
                                     const std::string& tenant = "default");
  absl::StatusOr<std::vector<v1::Queue>> ListQueues(const std::string& tenant = "default");
  absl::StatusOr<v1::Queue> SetQueuePaused(const std::string& queue, bool paused);
  absl::Status DeleteQueue(const std::string& queue);
  absl::Status DeleteType(const std::string& type);

  std::unique_ptr<SubmitLine> OpenSubmitLine();
  WatchLine OpenWatchLine();

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace buzzer::testing

#endif  // TESTS_SUPPORT_STATE_CALLER_H_
