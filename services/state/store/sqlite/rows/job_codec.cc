// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/rows/job_codec.h"

#include <memory>
#include <optional>
#include <utility>

#include "buzzer/internal/v1/stored_job.pb.h"

namespace buzzer::state {
namespace {

absl::Duration Micros(int64_t value) { return absl::Microseconds(value); }

}  // namespace

void Pack(const JobRow& row, std::string* bytes) {
  // Made anew, it would cost several allocations for each step of each job.
  thread_local internal::v1::StoredJob packed;
  packed.Clear();
  const JobRecord& job = row.job;
  packed.set_queue(job.queue);
  packed.set_revision(job.revision);
  packed.set_attempt(job.attempt);
  packed.set_failed_attempts(job.failed_attempts);
  packed.set_stop_cause(static_cast<int32_t>(job.stop_cause));
  packed.set_retried(job.retried);
  packed.set_claim_id(job.claim_id);
  packed.set_claim_answer(static_cast<int32_t>(job.claim_answer));
  packed.set_lease_id(job.lease_id);
  packed.set_worker(job.worker);
  packed.set_grace(absl::ToInt64Microseconds(job.grace));
  packed.set_attempt_timeout(absl::ToInt64Microseconds(job.attempt_timeout));
  if (job.handler_retry != nullptr) *packed.mutable_handler_retry() = *job.handler_retry;
  packed.set_handler_max_attempts(job.handler_max_attempts);
  packed.set_retry_delay(absl::ToInt64Microseconds(job.retry_delay));
  packed.set_queue_position(job.queue_position);
  if (job.queued_at.has_value()) packed.set_queued_at(absl::ToUnixMicros(*job.queued_at));
  packed.set_updated_at(absl::ToUnixMicros(job.updated_at));
  if (job.run_at.has_value()) packed.set_run_at(absl::ToUnixMicros(*job.run_at));
  if (job.started_at.has_value()) packed.set_started_at(absl::ToUnixMicros(*job.started_at));
  if (job.ended_at.has_value()) packed.set_ended_at(absl::ToUnixMicros(*job.ended_at));
  if (job.deadline_at.has_value()) packed.set_deadline_at(absl::ToUnixMicros(*job.deadline_at));
  if (job.purge_at.has_value()) packed.set_purge_at(absl::ToUnixMicros(*job.purge_at));
  if (job.error.has_value()) *packed.mutable_error() = *job.error;
  if (job.result.has_value()) *packed.mutable_result() = *job.result;
  packed.set_history_inside(row.history.lines());
  packed.set_history_aside(row.stored.history_aside);
  packed.SerializeToString(bytes);
}

Unpacked Unpack(absl::string_view bytes, JobRecord* job) {
  internal::v1::StoredJob packed;
  packed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  job->queue = std::move(*packed.mutable_queue());
  job->revision = packed.revision();
  job->attempt = packed.attempt();
  job->failed_attempts = packed.failed_attempts();
  job->stop_cause = static_cast<StopCause>(packed.stop_cause());
  job->retried = packed.retried();
  job->claim_id = std::move(*packed.mutable_claim_id());
  job->claim_answer = static_cast<ClaimAnswer>(packed.claim_answer());
  job->lease_id = std::move(*packed.mutable_lease_id());
  job->worker = std::move(*packed.mutable_worker());
  job->grace = Micros(packed.grace());
  job->attempt_timeout = Micros(packed.attempt_timeout());
  if (packed.has_handler_retry()) {
    job->handler_retry =
        std::make_shared<v1::RetryPolicy>(std::move(*packed.mutable_handler_retry()));
  }
  job->handler_max_attempts = packed.handler_max_attempts();
  job->retry_delay = Micros(packed.retry_delay());
  job->queue_position = packed.queue_position();
  if (packed.has_queued_at()) job->queued_at = absl::FromUnixMicros(packed.queued_at());
  job->updated_at = absl::FromUnixMicros(packed.updated_at());
  if (packed.has_run_at()) job->run_at = absl::FromUnixMicros(packed.run_at());
  if (packed.has_started_at()) job->started_at = absl::FromUnixMicros(packed.started_at());
  if (packed.has_ended_at()) job->ended_at = absl::FromUnixMicros(packed.ended_at());
  if (packed.has_deadline_at()) job->deadline_at = absl::FromUnixMicros(packed.deadline_at());
  if (packed.has_purge_at()) job->purge_at = absl::FromUnixMicros(packed.purge_at());
  if (packed.has_error()) job->error = std::move(*packed.mutable_error());
  if (packed.has_result()) job->result = std::move(*packed.mutable_result());
  return {packed.history_inside(), packed.history_aside()};
}

}  // namespace buzzer::state
