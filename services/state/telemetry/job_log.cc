// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/telemetry/job_log.h"

#include "absl/strings/string_view.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

bool IsCommon(Cause cause) {
  return cause == Cause::kSubmitted || cause == Cause::kDue || cause == Cause::kClaimed ||
         cause == Cause::kSucceeded;
}

}  // namespace

void JobLog::OnCommit(const std::vector<JobChange>& changes) {
  for (const JobChange& change : changes) {
    if (change.kind != JobChange::Kind::kState || IsCommon(change.entry.cause)) continue;
    const JobRecord& job = change.job;
    log::Info("job_changed", {{"job", job.id.ToString()},
                              {"tenant", job.tenant()},
                              {"type", job.type()},
                              {"attempt", job.attempt},
                              {"worker", job.worker},
                              {"cause", CauseName(change.entry.cause)},
                              {"state", v1::Job::State_Name(job.state)},
                              {"reason", job.error.has_value() ? job.error->reason() : ""}});
  }
}

}  // namespace buzzer::state
