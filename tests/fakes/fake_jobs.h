// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_JOBS_H_
#define TESTS_FAKES_FAKE_JOBS_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "common/job_id/job_id.h"

namespace buzzer::testing {

// The jobs and queues of FakeState, in memory. Answers as the state service does; requests have
// passed its checks (services/state/boundary). Time brings nothing about. Not thread-safe.
class FakeJobs final {
 public:
  struct Job {
    v1::Job job;
    std::vector<v1::JobEvent> events;  // State changes, and the newest progress.
    internal::v1::NewJob submitted;
    // What GetJobResult gives once the job has succeeded.
    internal::v1::GetJobResultResponse result;
    bool retried = false;  // By RetryJob, and not ended since.
  };

  // Until a type is announced, every type and queue is known.
  void Announce(const std::string& type, const std::string& queue);
  // A worker that takes its jobs is there from now on.
  void Connect(const std::string& type, const std::string& queue);
  // The name that accepted jobs get; empty: their own.
  void NameJobs(const std::string& name) { job_name_ = name; }

  // The stored job, which is new if it is at revision 1 and was not there.
  absl::StatusOr<Job*> Submit(const internal::v1::NewJob& submitted);
  // By the bytes of its id; null if there is none.
  Job* Find(const std::string& id);
  absl::StatusOr<Job*> FindOwned(const std::string& tenant, const std::string& id);
  // The next revision of a job.
  v1::JobEvent& AddEvent(Job& job, v1::Job::State state, const std::string& cause);

  absl::Status Cancel(Job& job, bool force);
  absl::Status Retry(Job& job);
  absl::Status Delete(const Job& job);
  absl::Status ReleaseKey(const std::string& tenant, const std::string& key);

  // As it is shown, basic view.
  v1::Job Show(const Job& job) const;
  internal::v1::GetJobResponse ShowFull(const Job& job) const;
  v1::JobEvent Snapshot(const Job& job) const;
  absl::StatusOr<internal::v1::GetJobResultResponse> ResultOf(const Job& job) const;
  internal::v1::ListJobsResponse List(const internal::v1::ListJobsRequest& request) const;

  absl::StatusOr<v1::Queue> GetQueue(const std::string& tenant, const std::string& queue) const;
  std::vector<v1::Queue> ListQueues(const std::string& tenant) const;
  absl::Status SetPaused(const std::string& queue, bool paused);
  absl::Status DeleteQueue(const std::string& queue);
  absl::Status DeleteType(const std::string& type);

 private:
  // Whose tenant and key lie in `keys_`.
  struct Key {
    std::string job;  // Bytes of its id; the job may be deleted.
    std::string hash;
    int32_t version = 0;
  };
  using Entry = std::pair<std::string, std::string>;

  absl::StatusOr<std::string> ResolveQueue(const std::string& type, const std::string& queue) const;
  // The job of a key that was used before; nullopt if it was not.
  std::optional<absl::StatusOr<Job*>> FindByKey(const internal::v1::NewJob& submitted);
  Job* Insert(const internal::v1::NewJob& submitted, const std::string& queue);
  v1::Queue ShowQueue(const std::string& tenant, const std::string& queue) const;
  bool KnowsQueue(const std::string& queue) const;

  std::map<std::string, Job> jobs_;  // By bytes of the id.
  std::map<Entry, Key> keys_;        // By tenant and key.
  bool knows_all_ = true;
  std::set<Entry> types_;         // Each with a queue that it may wait in.
  std::set<Entry> connected_;     // Those of them that a worker takes.
  std::set<std::string> queues_;  // With types or without.
  std::set<std::string> paused_;
  std::string job_name_;
};

}  // namespace buzzer::testing

#endif  // TESTS_FAKES_FAKE_JOBS_H_
