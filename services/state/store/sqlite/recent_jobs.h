// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_RECENT_JOBS_H_
#define SERVICES_STATE_STORE_SQLITE_RECENT_JOBS_H_

#include <cstddef>
#include <list>

#include "absl/container/flat_hash_map.h"
#include "services/state/job/job_record.h"

namespace buzzer::state {

// The jobs that were last written, as they stand in the writer's transaction: a short job is
// claimed and ends within milliseconds, and need not be read from three tables each time. The
// least recently used goes first. Whoever writes a row in any other way has to Drop or Clear.
// Lives on one thread.
class RecentJobs {
 public:
  static constexpr size_t kMaxJobs = 4096;
  // Of what a job carries beside its fixed fields. Larger ones are not kept, nor those that
  // have ended.
  static constexpr size_t kMaxBytes = 4096;

  // Valid until the next call; null if the job must be read.
  const JobRecord* Find(const JobId& id);
  void Put(const JobRecord& job);
  void Drop(const JobId& id);
  // After a rollback too: what was put since Begin never was.
  void Clear();

 private:
  // The last used first.
  std::list<JobRecord> jobs_;
  absl::flat_hash_map<JobId, std::list<JobRecord>::iterator> by_id_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_RECENT_JOBS_H_
