// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_STATE_H_
#define TESTS_FAKES_FAKE_STATE_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/job_id/job_id.h"
#include "common/mutex/mutex.h"
#include "tests/fakes/fake_jobs.h"

namespace buzzer::testing {

// A server of buzzer.internal.v1.StateService that keeps jobs in memory, changes them as
// the test says, and can be stopped and started on the same port without forgetting
// them. It passes the conformance suite of the real one (tests/conformance). Thread-safe.
class FakeState final {
 public:
  // Serves on a free port.
  FakeState();
  ~FakeState();

  std::string address() const;

  void Stop();
  void Start();

  // The next batches are stored, but their streams break before they are answered.
  void LoseAnswers(int batches);
  // Batches are stored and not answered, until the process is stopped.
  void HoldAnswers();
  // Submits are answered with this error.
  void RefuseSubmits(const absl::Status& error);
  // The name that accepted jobs get.
  void NameJobs(const std::string& name);

  // A worker has announced a type, and is gone; until then, every type and queue is known.
  void Announce(const std::string& type, const std::string& queue);
  // The same for a worker that stays.
  void Connect(const std::string& type, const std::string& queue);

  // Makes a QUEUED job of the default tenant at revision 1. Returns its id.
  JobId AddJob();
  // The next revision of a job; `detail` makes the event large.
  void Change(const JobId& id, v1::Job::State state, const std::string& cause,
              const std::string& detail = "");
  void Progress(const JobId& id, double fraction);
  // The attempt of a RUNNING job fails: for good, or to be SCHEDULED again if it is retryable.
  void Fail(const JobId& id, v1::JobError error);
  // What there is to read once the job has SUCCEEDED.
  void SetResult(const JobId& id, const std::string& content_type, const std::string& body);
  // Ends the job's watches with an error, as a store that closes does.
  void BreakWatches(const JobId& id, const absl::Status& error);

  std::vector<internal::v1::NewJob> stored() const;
  std::vector<internal::v1::ListJobsRequest> lists() const;
  // Watch starts so far, on all streams.
  int starts() const;

  // Waits until so many watches are open, or were started; false after a minute.
  bool AwaitOpenWatches(size_t count) const;
  bool AwaitStarts(int count) const;
  bool AwaitStored(size_t count) const;

 private:
  class Service;
  struct Watch {
    std::string tenant;
    std::string job;  // Bytes of the id.
    int64_t after = 0;
    bool snapshot = false;
    absl::Status broken;
  };
  // One Watch stream.
  struct Session {
    std::map<int64_t, Watch> watches;
    bool closed = false;
  };

  template <typename Condition>
  bool Await(Condition condition) const;
  // The job of this id, which is there.
  FakeJobs::Job& JobOf(const JobId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Watch MakeWatch(const internal::v1::WatchRequest::Start& start)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool FillWatch(Session& session, internal::v1::WatchResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds what there is to tell of one watch, its end perhaps.
  void FillItem(Watch& watch, internal::v1::WatchResponse::Item* item)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Submit(const internal::v1::SubmitRequest& request, internal::v1::SubmitResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::Job> SubmitOne(const internal::v1::NewJob& submitted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  mutable CondVar changed_;
  FakeJobs jobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<internal::v1::NewJob> stored_ ABSL_GUARDED_BY(mutex_);
  std::vector<internal::v1::ListJobsRequest> lists_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
  int starts_ ABSL_GUARDED_BY(mutex_) = 0;
  int answers_to_lose_ ABSL_GUARDED_BY(mutex_) = 0;
  bool holds_answers_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status submit_error_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace buzzer::testing

#endif  // TESTS_FAKES_FAKE_STATE_H_
