// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_JOB_JOB_RECORD_H_
#define SERVICES_STATE_JOB_JOB_RECORD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "buzzer/v1/job.pb.h"
#include "common/job_id/job_id.h"
#include "services/state/job/cause.h"
#include "services/state/job/state_machine.h"

namespace buzzer::state {

// Why a job is CANCELLING, which decides how it ends.
enum class StopCause { kNone = 0, kCancel = 1, kDeadline = 2 };

// How the last claim of a job was answered, so that the same claim id gets the
// same answer again. The values are stored.
enum class ClaimAnswer {
  kNone = 0,
  kGranted = 1,
  kReturnedPaused = 2,
  kReturnedDraining = 3,
  kReturnedNoHandler = 4,
};

// Newest progress of one attempt.
struct ProgressRecord {
  int32_t attempt = 0;
  int64_t revision = 0;
  double fraction = 0;
  std::string message;
  // Serialized google.protobuf.Value, of this or an earlier attempt: the checkpoint of
  // the next one. Empty if there is none.
  std::string data;
  absl::Time time;
};

// A job as the store keeps it, without payload, result and history. Times are UTC,
// and stored to the microsecond. A value type.
struct JobRecord {
  // The store's own key; 0 before the insert.
  int64_t row = 0;
  JobId id;
  // Resolved at submit; `spec->queue()` is what was asked for.
  std::string queue;
  // What was submitted, less id and payload. Never changes (a key that is released is taken out
  // of a copy), so that copies of the record share it; never null.
  std::shared_ptr<const internal::v1::NewJob> spec = NoSpec();

  JobState state = v1::Job::STATE_UNSPECIFIED;
  int64_t revision = 0;
  int32_t attempt = 0;
  int32_t failed_attempts = 0;
  StopCause stop_cause = StopCause::kNone;
  // Back by RetryJob and not terminal since: repeats of that call find it so.
  bool retried = false;

  std::string claim_id;
  ClaimAnswer claim_answer = ClaimAnswer::kNone;
  // Current in RUNNING and CANCELLING. Kept when the holder itself ended its attempt,
  // so that a repeat of that outcome is known; cleared when the lease was lost.
  std::string lease_id;
  std::string worker;
  // Of the worker's handler: from TERM to KILL.
  absl::Duration grace = absl::Seconds(10);
  // Longest run of the current attempt; zero means none.
  absl::Duration attempt_timeout;
  // What the handler of the newest attempt has for what the submit left unset; null and 0: nothing.
  std::shared_ptr<const v1::RetryPolicy> handler_retry;
  int32_t handler_max_attempts = 0;
  // Of a job that waits for a retry: from the failure to `run_at`.
  absl::Duration retry_delay;

  // The job's place in its queue and priority; kept when an attempt is handed back.
  int64_t queue_position = 0;
  std::optional<absl::Time> queued_at;
  absl::Time updated_at;
  std::optional<absl::Time> run_at;
  std::optional<absl::Time> started_at;
  std::optional<absl::Time> ended_at;
  std::optional<absl::Time> deadline_at;
  std::optional<absl::Time> purge_at;

  std::optional<v1::JobError> error;
  std::optional<v1::ResultInfo> result;
  // Of any attempt; shown only if it is of the current one.
  std::optional<ProgressRecord> progress;

  const std::string& tenant() const { return spec->tenant(); }
  const std::string& type() const { return spec->type(); }
  v1::Job::Priority priority() const { return spec->priority(); }
  absl::Duration lease() const;
  absl::Duration retention() const;
  // How many failed attempts end it.
  int32_t max_attempts() const;
  // The policy that counts for it now.
  v1::RetryPolicy retry() const;

 private:
  static std::shared_ptr<const internal::v1::NewJob> NoSpec();
};

// One line of a job's history: a change of state.
struct HistoryEntry {
  int64_t revision = 0;
  absl::Time time;
  JobState state = v1::Job::STATE_UNSPECIFIED;
  int32_t attempt = 0;
  Cause cause = Cause::kNone;
  std::optional<v1::JobError> error;
};

// When the wall clock next asks for a change of this job (run_at, deadline or
// purge, whichever its state makes count); nullopt if never.
std::optional<absl::Time> WakeTime(const JobRecord& job);

// The public form, basic view.
v1::Job ToProto(const JobRecord& job);
v1::Progress ToProto(const ProgressRecord& progress);
v1::JobEvent ToProto(const HistoryEntry& entry);

// The event that tells of `job.progress`.
v1::JobEvent ProgressEvent(const JobRecord& job);

// The event that shows a whole job as it stands.
v1::JobEvent SnapshotEvent(const JobRecord& job);

// These go to the nearest value that a message may hold (common/times): a time that has none
// would take everything along that it stands in.
google::protobuf::Timestamp ToTimestamp(absl::Time time);
google::protobuf::Duration ToDuration(absl::Duration duration);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);
absl::Duration FromDuration(const google::protobuf::Duration& duration);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_JOB_JOB_RECORD_H_
