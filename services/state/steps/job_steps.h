// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_JOB_STEPS_H_
#define SERVICES_STATE_STEPS_JOB_STEPS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/clock/clock.h"
#include "services/state/job/job_lifecycle.h"
#include "services/state/steps/admission.h"
#include "services/state/steps/count_table.h"
#include "services/state/steps/working_set.h"
#include "services/state/store/job_rows.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// What a batch of steps is known to need, so that it is read in one go.
struct StepNeeds {
  std::vector<JobId> jobs;
  std::vector<KeyName> keys;
};

// The steps of a job's life, each written once for every store: finds the job, lets the life cycle
// decide, keeps history, place and counts, and notes what is to be written and told. Between Begin
// and Commit any number of them share one transaction. Lives on the writer thread.
class JobSteps {
 public:
  struct Parts {
    // Not owned.
    const Clock* clock = nullptr;
    JitterDraw jitter;
    Admission* admission = nullptr;
    // Committed counts; loaded from the rows.
    CountTable* counts = nullptr;
  };

  JobSteps(std::unique_ptr<JobRows> rows, Parts parts);

  // Reads what it keeps in memory. Call first.
  absl::Status Open();

  void Begin(const StepNeeds& needs);
  // On success changes() is what to tell, and the counts are updated. On failure everything since
  // Begin is undone, as far as anybody can tell. UNAVAILABLE STORE_FULL, COMMIT_IN_DOUBT.
  absl::Status Commit();
  const std::vector<JobChange>& changes() const { return changes_; }
  // They are told; the room for as many is kept for the next.
  void ForgetChanges() { changes_.clear(); }
  // The connection broke: nothing more can be done with these steps.
  bool broken() const { return rows_->broken(); }

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
  using Entry = WorkingSet::Entry;
  struct Key {
    std::optional<KeyRecord> record;
    bool changed = false;
  };

  // Null: there is no such job.
  Entry* Find(const JobId& id) { return jobs_.Find(*rows_, id); }
  absl::StatusOr<Entry*> FindOwned(const std::string& tenant, const JobId& id);
  Key& FindKey(const KeyName& name);
  // The stored job of a known key, an error, or nullopt if the key is new.
  std::optional<absl::StatusOr<JobRecord>> FindByKey(const internal::v1::NewJob& job);
  // What the batch writes of this job.
  JobWrite& WriteOf(Entry* entry);
  // Notes a step that changed the job's state, and all that follows from it.
  void Take(Entry* entry, JobState before, const Step& step);
  // Gives a job that became QUEUED its place.
  void Enqueue(JobRecord& job);
  void Remove(Entry* entry);
  void Count(const JobRecord& job, JobState state, int64_t delta);
  void Tell(JobChange::Kind kind, JobState before, const JobRecord& job, HistoryEntry entry = {});
  internal::v1::Granted MakeGranted(const JobRow& row);
  // Hands what is noted to the rows, which queries in this transaction then see.
  void Flush();
  absl::Status Summarize();

  const std::unique_ptr<JobRows> rows_;
  const Parts parts_;
  WorkingSet jobs_;
  std::set<std::string> paused_;
  int64_t last_position_ = 0;

  // Since Begin.
  WriteSet writes_;
  absl::flat_hash_map<KeyName, Key> keys_;
  std::vector<JobChange> changes_;
  CountTable::Deltas deltas_;
  int64_t waiting_delta_ = 0;
  int64_t admitted_ = 0;
  std::map<std::string, int64_t> waiting_delta_by_queue_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_JOB_STEPS_H_
