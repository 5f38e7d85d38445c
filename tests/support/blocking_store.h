// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SUPPORT_BLOCKING_STORE_H_
#define TESTS_SUPPORT_BLOCKING_STORE_H_

#include <string>
#include <utility>
#include <vector>

#include "services/state/store/job_store.h"
#include "tests/support/await.h"

namespace buzzer::state {

// A job that a frontend would send, with every default filled in: for `tenant` default,
// of type and queue demo.echo.
internal::v1::NewJob MakeNewJob(absl::Time now);

// A store's calls, one at a time and waited for. Thread-safe, as the store is.
class BlockingStore {
 public:
  static constexpr char kTenant[] = "default";

  // Not owned.
  explicit BlockingStore(JobStore* store) : store_(store) {}
  JobStore* operator->() const { return store_; }

  absl::StatusOr<JobRecord> Submit(internal::v1::NewJob job) const;
  // Submits; fails the test, and gives an empty record, if that fails.
  JobRecord MustSubmit(internal::v1::NewJob job) const;

  ClaimResult Claim(const ClaimRequest& claim) const;
  // Claims to run it, with a claim id of its own.
  ClaimResult Claim(const JobId& job) const;
  // Claims, fails the test unless granted, and gives the lease.
  LeaseRef MustClaim(const JobId& job) const;

  bool Finish(OutcomeReport outcome) const;
  bool Succeed(const LeaseRef& lease, const std::string& result = "done") const;
  bool Fail(const LeaseRef& lease, bool retryable) const;
  bool Fail(const LeaseRef& lease, v1::JobError error) const;
  bool HandBack(const LeaseRef& lease) const;
  void Report(const LeaseRef& lease, double fraction, const std::string& data = "") const;
  void LoseLease(const LeaseRef& lease, LossCause cause = LossCause::kLeaseExpired) const;

  absl::StatusOr<JobRecord> Cancel(const JobId& job, bool force = false) const;
  absl::StatusOr<JobRecord> Retry(const JobId& job) const;
  absl::Status Delete(const JobId& job) const;
  absl::Status ReleaseKey(const std::string& key) const;
  JobStore::TimerResult RunTimers(int limit = 1000) const;
  void ShiftRetries(absl::Duration step) const;
  void SetPaused(const std::string& queue, bool paused) const;

  absl::StatusOr<JobRecord> Get(const JobId& job) const;
  // Fails the test if there is no such job.
  JobRecord MustGet(const JobId& job) const;
  absl::StatusOr<FullJob> GetFull(const JobId& job) const;
  std::vector<OutboxEntry> ReadOutbox(const Lane& lane, int64_t after = 0,
                                      int limit = 1'000'000) const;
  // The ids in the outbox of a queue's NORMAL lane, in order.
  std::vector<JobId> Outbox(const std::string& queue = "demo.echo") const;
  ListPage List(ListQuery query) const;
  std::vector<QueueCounts> Counts() const;
  // Jobs of the default tenant in a queue and state.
  int64_t Count(JobState state, const std::string& queue = "demo.echo") const;

 private:
  JobStore* const store_;
};

// Causes of a history, in order.
std::vector<std::string> Causes(const std::vector<HistoryEntry>& history);

}  // namespace buzzer::state

#endif  // TESTS_SUPPORT_BLOCKING_STORE_H_
