// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_STORE_WRITER_H_
#define SERVICES_STATE_STORE_SQLITE_STORE_WRITER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock/clock.h"
#include "services/state/job/job_lifecycle.h"
#include "services/state/store/job_store.h"
#include "services/state/store/refusals.h"
#include "services/state/store/sqlite/count_table.h"
#include "services/state/store/sqlite/database.h"
#include "services/state/store/sqlite/fullness_log.h"
#include "services/state/store/sqlite/job_rows.h"
#include "services/state/store/sqlite/recent_jobs.h"

namespace buzzer::state {

// What a new job must fit into.
struct AdmissionLimits {
  // Jobs QUEUED or SCHEDULED in all.
  int64_t max_waiting = 2'000'000;
  // The same by queue; a queue that is not named has no limit of its own.
  std::map<std::string, int64_t> max_waiting_by_queue;
  // Bytes that must stay free on the disk of the database.
  int64_t min_free_disk = 256 << 20;
};

// Every write of the store, each a step of a job's life put on disk: finds the
// record, lets the life cycle decide, writes record, history, outbox and counts.
// Between Begin and Commit any number of them share one transaction. Owns the one
// connection that writes and checkpoints. Lives on the writer thread.
class StoreWriter {
 public:
  // `counts` is loaded from the database. Not owned: clock, counts, refused.
  StoreWriter(std::unique_ptr<Database> database, std::string directory, const Clock* clock,
              JitterDraw jitter, AdmissionLimits limits, CountTable* counts,
              RefusalCounts* refused);

  const absl::Status& status() const { return database_->status(); }
  const Database& database() const { return *database_; }

  void Begin();
  // On success changes() is what to tell, and the counts are updated. On failure
  // everything since Begin is undone, as far as anybody can tell.
  absl::Status Commit();
  const std::vector<JobChange>& changes() const { return changes_; }
  // They are told; the room for as many is kept for the next.
  void ForgetChanges() { changes_.clear(); }

  // See JobStore for each.
  absl::StatusOr<JobRecord> Submit(internal::v1::NewJob job);
  ClaimResult Claim(const ClaimRequest& claim);
  bool Finish(const OutcomeReport& report);
  void ReportProgress(const ProgressReport& report);
  void LoseLease(const LeaseLoss& loss);
  absl::StatusOr<JobRecord> Cancel(const std::string& tenant, const JobId& id, bool force);
  absl::StatusOr<JobRecord> Retry(const std::string& tenant, const JobId& id);
  absl::Status Delete(const std::string& tenant, const JobId& id);
  absl::Status ReleaseKey(const std::string& tenant, const std::string& key);
  JobStore::TimerResult RunTimers(int limit);
  void ShiftRetries(absl::Duration step);
  void SetPaused(const std::string& queue, bool paused);
  void SaveType(const TypeRecord& type);

 private:
  // What a step needs to know of a job as it was.
  struct Before {
    explicit Before(const JobRecord& job) : state(job.state), queue_position(job.queue_position) {}
    JobState state;
    int64_t queue_position;
  };

  std::optional<JobRecord> Find(const JobId& id);
  absl::StatusOr<JobRecord> FindOwned(const std::string& tenant, const JobId& id);
  absl::Status Admit(const internal::v1::NewJob& job);
  // The error of a store that takes no new jobs, so many of them; tells the operator too.
  absl::Status RefuseAll(Refusal refusal, const std::string& why, int64_t submits);
  // The stored job of a known key, an error, or nullopt if the key is new.
  std::optional<absl::StatusOr<JobRecord>> FindByKey(const internal::v1::NewJob& job);
  // Writes a record that a step changed, and all that follows from it.
  void Persist(const Before& before, JobRecord& after, const Step& step);
  void Update(const JobRecord& job);
  void Enqueue(JobRecord& job);
  void Remove(const JobRecord& job);
  void Count(const JobRecord& job, JobState state, int64_t delta);
  void Tell(JobChange::Kind kind, JobState before, JobRecord job, HistoryEntry entry = {});
  void LoadMemory();
  void LoadPaused();
  // The wall clock may have been stepped back while the database was closed.
  void CapRetries();
  internal::v1::Granted MakeGranted(const JobRecord& job);

  const std::unique_ptr<Database> database_;
  const std::string directory_;
  const Clock* const clock_;
  const JitterDraw jitter_;
  const AdmissionLimits limits_;
  CountTable* const counts_;
  RefusalCounts* const refused_;

  JobRows rows_;
  RecentJobs recent_;
  JobRowsWriter writer_;
  Statement find_key_;
  Statement insert_key_;
  Statement keep_key_;
  Statement delete_key_;
  Statement forget_keys_;
  Statement add_count_;
  Statement save_type_;
  Statement forget_types_;
  Statement pause_;
  Statement resume_;
  Statement due_;
  Statement next_wake_;
  Statement shift_retries_;

  // Since Begin.
  std::vector<JobChange> changes_;
  CountTable::Deltas deltas_;
  int64_t waiting_delta_ = 0;
  int64_t admitted_ = 0;
  std::map<std::string, int64_t> waiting_delta_by_queue_;

  std::set<std::string> paused_;
  int64_t last_position_ = 0;
  absl::Duration disk_checked_at_ = -absl::InfiniteDuration();
  bool disk_low_ = false;
  FullnessLog full_log_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_STORE_WRITER_H_
