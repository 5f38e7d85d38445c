// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_COMMIT_CRASH_POINTS_H_
#define SERVICES_STATE_STEPS_COMMIT_CRASH_POINTS_H_

#include <algorithm>
#include <vector>

#include "common/fault_points/fault_points.h"
#include "services/state/job/state_machine.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

inline bool GrantsClaim(const std::vector<JobChange>& changes) {
  return std::any_of(changes.begin(), changes.end(), [](const JobChange& change) {
    return change.before == v1::Job::QUEUED && change.job.state == v1::Job::RUNNING;
  });
}

// Whether an attempt ends by its own outcome; one whose lease is lost keeps no lease id.
inline bool TakesOutcome(const std::vector<JobChange>& changes) {
  return std::any_of(changes.begin(), changes.end(), [](const JobChange& change) {
    return IsActive(change.before) && !IsActive(change.job.state) && !change.job.lease_id.empty();
  });
}

// The crash points around a commit of these changes.
inline void PassCrashPointsBefore([[maybe_unused]] const std::vector<JobChange>& changes) {
  BUZZER_CRASH_POINT("commit.before");
  BUZZER_CRASH_POINT_IF(GrantsClaim(changes), "claim_commit.before");
  BUZZER_CRASH_POINT_IF(TakesOutcome(changes), "outcome_commit.before");
}

inline void PassCrashPointsAfter([[maybe_unused]] const std::vector<JobChange>& changes) {
  BUZZER_CRASH_POINT("commit.after");
  BUZZER_CRASH_POINT_IF(GrantsClaim(changes), "claim_commit.after");
  BUZZER_CRASH_POINT_IF(TakesOutcome(changes), "outcome_commit.after");
}

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_COMMIT_CRASH_POINTS_H_
