// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_WORKING_SET_H_
#define SERVICES_STATE_STEPS_WORKING_SET_H_

#include <cstddef>
#include <list>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/job_id/job_id.h"
#include "services/state/store/job_rows.h"

namespace buzzer::state {

// The jobs of the current batch as its steps have left them so far, each once. From batch to batch
// it remembers those that were used last: a short job is claimed and ends within milliseconds, and
// need not be read again each time. Right only as long as nobody else writes these rows. Lives on
// one thread.
class WorkingSet {
 public:
  // So many jobs stay after a batch, the least recently used going first.
  static constexpr size_t kMaxJobs = 4096;
  // Jobs with more bytes than this beside their fixed fields do not stay, nor those that have
  // ended.
  static constexpr size_t kMaxBytes = 4096;

  struct Entry {
    JobRow row;
    // Its place among the batch's writes; -1: the batch has not changed it.
    int write = -1;
    // By the current batch.
    bool used = false;
    bool removed = false;
  };

  // Reads those of the jobs that it does not have.
  void Load(JobRows& rows, const std::vector<JobId>& jobs);
  // Null: there is no such job. Reads it if it was not loaded. Valid until the batch ends.
  Entry* Find(JobRows& rows, const JobId& id);
  // A job that is new in this batch.
  Entry* Insert(JobRow row);
  // From now on there is no such job; the entry stays valid until the batch ends.
  void Remove(Entry* entry);

  // The batch's writes are with the store: entries may go.
  void EndBatch();
  // Forgets everything: after a rollback what it has never was.
  void Clear();

 private:
  using Entries = std::list<Entry>;

  Entries::iterator Put(JobRow row);
  Entry* Use(Entries::iterator entry);

  // The last used first.
  Entries entries_;
  absl::flat_hash_map<JobId, Entries::iterator> by_id_;
  // Of the current batch: what was used, what is known not to be there, and what was removed.
  std::vector<Entries::iterator> used_;
  absl::flat_hash_set<JobId> absent_;
  Entries removed_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_WORKING_SET_H_
