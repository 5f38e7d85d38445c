// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_TELEMETRY_JOB_LOG_H_
#define SERVICES_STATE_TELEMETRY_JOB_LOG_H_

#include <vector>

#include "services/state/store/job_store.h"

namespace buzzer::state {

// Writes `job_changed`, a log line, for what happens to jobs out of the common course:
// failures, retries, cancels, deadlines, lost leases, attempts handed back. The common
// course is logged by who does it: the frontend a submit, the worker an attempt's start
// and end. Has no state.
class JobLog final : public CommitObserver {
 public:
  void OnCommit(const std::vector<JobChange>& changes) override;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_TELEMETRY_JOB_LOG_H_
