// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_BATCHING_JOB_STORE_H_
#define SERVICES_STATE_STEPS_BATCHING_JOB_STORE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "services/state/job/job_lifecycle.h"
#include "services/state/steps/admission.h"
#include "services/state/store/job_database.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

struct JobStoreOptions {
  // Not owned.
  const Clock* clock = Clock::Real();
  // Another in tests.
  JitterDraw jitter = DrawJitter;
  AdmissionLimits limits;
  // Writes (jobs, claims, outcomes, ...) that may wait for their commit. Beyond it a
  // call is refused with UNAVAILABLE STORE_BUSY.
  int max_pending_writes = 50'000;
  // Told of each commit: how many writes it carried and how long it took. Runs on
  // the writer thread.
  std::function<void(int writes, absl::Duration took)> on_commit;
};

// The job store over a database: a thread takes what was asked since the last commit, does its
// steps in one transaction and tells who asked; another one reads.
absl::StatusOr<std::unique_ptr<JobStore>> StartJobStore(std::unique_ptr<JobDatabase> database,
                                                        JobStoreOptions options);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_BATCHING_JOB_STORE_H_
