// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/telemetry/job_counters.h"

#include <algorithm>
#include <iterator>

#include "common/job_state/job_state.h"

namespace buzzer::state {
namespace {

constexpr char kOtherQueues[] = "other queues";

// Whether a worker had the job, and has it no more.
bool EndsAttempt(const JobChange& change) {
  return IsActive(change.before) && !IsActive(change.job.state);
}

// Whether the attempt ended because its worker was silent.
bool LostItsLease(const JobChange& change) {
  const Cause cause = change.entry.cause;
  // A handler may give any reason, but not these causes.
  if (cause == Cause::kLeaseExpired || cause == Cause::kWorkerLost) return true;
  // A job that stops for its deadline ends with that cause either way; who ends it himself
  // keeps his lease.
  return cause == Cause::kDeadlineExceeded && change.job.lease_id.empty();
}

}  // namespace

absl::string_view JobCounters::ReasonClass(absl::string_view reason) {
  static constexpr absl::string_view kKnown[] = {
      "ATTEMPT_TIMEOUT",     "DEADLINE_EXCEEDED", "FORCED",         "HANDLER_FAILED",
      "INVALID_PAYLOAD",     "LEASE_EXPIRED",     "PROGRAM_FAILED", "PROGRAM_KILLED",
      "PROGRAM_NOT_STARTED", "RESULT_TOO_LARGE",  "WORKER_LOST"};
  const auto* const known = std::find(std::begin(kKnown), std::end(kKnown), reason);
  return known == std::end(kKnown) ? "OTHER" : *known;
}

JobCounters::Counts& JobCounters::Of(const std::string& queue) {
  const auto it = by_queue_.find(queue);
  if (it != by_queue_.end()) return it->second;
  return by_queue_[by_queue_.size() < kMaxQueuesCounted ? queue : kOtherQueues];
}

void JobCounters::OnCommit(const std::vector<JobChange>& changes) {
  MutexLock lock(&mutex_);
  for (const JobChange& change : changes) {
    const JobRecord& job = change.job;
    if (change.kind == JobChange::Kind::kReturned) {
      if (job.claim_answer == ClaimAnswer::kReturnedNoHandler) ++Of(job.queue).no_handler;
      continue;
    }
    if (change.kind != JobChange::Kind::kState) continue;
    const bool ends = IsTerminal(job.state);
    if (!ends && !EndsAttempt(change)) continue;
    Counts& counts = Of(job.queue);
    if (job.state == v1::Job::SUCCEEDED) ++counts.succeeded;
    if (job.state == v1::Job::FAILED) ++counts.failed;
    if (job.state == v1::Job::CANCELLED) ++counts.cancelled;
    if (!EndsAttempt(change)) continue;
    if (job.state == v1::Job::SCHEDULED) ++counts.retries;
    if (job.state == v1::Job::QUEUED) ++counts.handed_back;
    if (LostItsLease(change)) ++counts.leases_lost;
    // One that stopped as it was asked has not failed, whatever it wrote on the way.
    if (!change.entry.error.has_value() || change.entry.cause == Cause::kCancelled) continue;
    const absl::string_view reason = ReasonClass(change.entry.error->reason());
    const auto by_reason = counts.attempts_failed.find(reason);
    if (by_reason == counts.attempts_failed.end()) {
      counts.attempts_failed.emplace(reason, 1);
    } else {
      ++by_reason->second;
    }
  }
}

std::vector<std::pair<std::string, JobCounters::Counts>> JobCounters::Snapshot() const {
  MutexLock lock(&mutex_);
  return {by_queue_.begin(), by_queue_.end()};
}

}  // namespace buzzer::state
