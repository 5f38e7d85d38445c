// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_JOB_SERVICE_H_
#define TESTS_FAKES_FAKE_JOB_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "buzzer/v1/queue_service.grpc.pb.h"
#include "common/grpc/server.h"
#include "common/mutex/mutex.h"

namespace buzzer::testing {

// A server of buzzer.v1 on a free port whose answers the test chooses: the functions
// before the first call, what a watch tells at any time. Thread-safe where it says so.
class FakeJobService final {
 public:
  // One WatchJob call: its events, then its end.
  struct Watch {
    std::vector<v1::JobEvent> events;
    absl::Status end;
    // The stream stays open after the events until the client leaves; `end` is not told.
    bool stays_open = false;
  };

  FakeJobService();
  ~FakeJobService();

  // host:port.
  std::string address() const;

  // What the next WatchJob call that has none tells; without one a call ends with
  // INTERNAL. Thread-safe.
  void AddWatch(Watch watch);

  // `after_revision` of each WatchJob call so far. Thread-safe.
  std::vector<int64_t> watched_after() const;

  // Waits until the client has left a stream that stays open. Thread-safe.
  void AwaitLeft();

  std::function<absl::Status(const v1::SubmitJobRequest&, v1::Job*)> on_submit;
  std::function<absl::Status(const v1::GetJobRequest&, v1::Job*)> on_get;
  std::function<absl::Status(const v1::ListJobsRequest&, v1::ListJobsResponse*)> on_list;
  std::function<absl::Status(const v1::GetJobResultRequest&, google::api::HttpBody*)> on_result;
  std::function<absl::Status(const v1::CancelJobRequest&, v1::Job*)> on_cancel;
  std::function<absl::Status(const v1::DeleteJobRequest&)> on_delete;
  std::function<absl::Status(const v1::ReleaseIdempotencyKeyRequest&)> on_release;
  std::function<absl::Status(const v1::PauseQueueRequest&, v1::Queue*)> on_pause;
  std::function<absl::Status(const v1::DeleteQueueRequest&)> on_delete_queue;
  std::function<absl::Status(const v1::DeleteTypeRequest&)> on_delete_type;

 private:
  class Jobs;
  class Queues;

  absl::Status TellWatch(const v1::WatchJobRequest& request, grpc::ServerContext* context,
                         grpc::ServerWriter<v1::WatchJobResponse>* writer);

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Watch> watches_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> watched_after_ ABSL_GUARDED_BY(mutex_);
  bool left_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<Queues> queues_;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace buzzer::testing

#endif  // TESTS_FAKES_FAKE_JOB_SERVICE_H_
