// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_JOB_ROWS_H_
#define SERVICES_STATE_STORE_JOB_ROWS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/state/job/job_record.h"
#include "services/state/job/packed_history.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// A job as a store keeps it, from its submit to its deletion.
struct JobRow {
  JobRecord job;
  // The newest lines; a store moves older ones aside when they grow.
  PackedHistory history;
  // nullopt: it is too large for the row and lies aside (see JobRows::LoadPayload).
  std::optional<std::string> payload;

  // What the store's indexes know of the job, as of its last write. The store's own.
  struct Stored {
    // Where the row is; 0 before the insert.
    int64_t row = 0;
    JobState state = v1::Job::STATE_UNSPECIFIED;
    std::optional<absl::Time> wake_at;
    // Lines of history that lie aside.
    int32_t history_aside = 0;
  };
  Stored stored;
};

// An idempotency key of a tenant.
struct KeyName {
  std::string tenant;
  std::string key;
  friend bool operator==(const KeyName&, const KeyName&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const KeyName& name) {
    return H::combine(std::move(h), name.tenant, name.key);
  }
};

// What is kept of the submit that used it.
struct KeyRecord {
  std::string hash;
  int32_t hash_version = 0;
  JobId job;
  // Set when the job was deleted before the key was old enough to be forgotten.
  std::optional<absl::Time> forget_at;
};

// What a batch does to one job.
struct JobWrite {
  // Valid until the writes are taken.
  JobRow* row = nullptr;
  bool is_new = false;
  // The record, its state or its history.
  bool changed = false;
  // Its newest progress; nothing else if it stands alone.
  bool progressed = false;
  // What was submitted, for a key that is taken out of it.
  bool spec_changed = false;
  bool deleted = false;
  // The result: a new one, or that there is none any more.
  bool result_changed = false;
  std::optional<std::string> result;
};

struct KeyWrite {
  KeyName name;
  // nullopt: it is forgotten.
  std::optional<KeyRecord> record;
};

// Everything that a batch writes, each job and key once.
struct WriteSet {
  std::vector<JobWrite> jobs;
  std::vector<KeyWrite> keys;
  std::vector<TypeRecord> types;
  // Each queue that was paused (true) or resumed.
  std::vector<std::pair<std::string, bool>> paused;
  // Keys and types that are over by then go.
  std::optional<absl::Time> forget_before;

  void Clear() { *this = {}; }
};

// What the steps keep in memory about all jobs together.
struct StoreSummary {
  std::vector<QueueCounts> counts;
  std::vector<std::string> paused_queues;
  // The highest place that a job has, or may be handed back to.
  int64_t last_position = 0;
};

// The rows of jobs on one connection that writes: SQL and nothing else. The steps of a job
// (services/state/steps) read what a batch of them needs, decide, and write it all at once:
//   Begin; Load, LoadKeys, ...; Write; Commit
// Errors stick: after one, calls give and do nothing until the next Begin, and Commit tells it.
// Lives on one thread.
class JobRows {
 public:
  virtual ~JobRows() = default;

  virtual void Begin() = 0;

  // Calls `take` with each of the jobs that there is.
  virtual void Load(const std::vector<JobId>& jobs, absl::FunctionRef<void(JobRow)> take) = 0;
  // The same order; nullopt where the key is not known.
  virtual std::vector<std::optional<KeyRecord>> LoadKeys(const std::vector<KeyName>& keys) = 0;
  // Of a row whose payload lies aside.
  virtual std::string LoadPayload(const JobRow& row) = 0;
  // The jobs for which the wall clock asks by `now`, earliest first.
  virtual std::vector<JobId> FindDue(absl::Time now, int limit) = 0;
  // When the next one comes, whether it is past or not.
  virtual std::optional<absl::Time> NextWake() = 0;
  // Jobs that wait for a retry, `limit` of those behind `after`, in an order of the store's own.
  virtual std::vector<JobId> FindRetrying(std::optional<JobId> after, int limit) = 0;

  // More than once in a transaction, if need be.
  virtual void Write(WriteSet& writes) = 0;

  struct CommitResult {
    absl::Status status;
    // Nothing was kept for want of space.
    bool full = false;
    // What was written may have been kept all the same.
    bool in_doubt = false;
  };
  // Whatever it gives, the transaction has ended.
  virtual CommitResult Commit() = 0;

  // The first error since Begin.
  virtual const absl::Status& status() const = 0;
  // The connection is not to be trusted any more: open another one.
  virtual bool broken() const = 0;

  // Outside a transaction.
  virtual absl::StatusOr<StoreSummary> Summarize() = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_JOB_ROWS_H_
