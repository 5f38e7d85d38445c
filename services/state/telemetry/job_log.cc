// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/telemetry/job_log.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/string_view.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

bool IsCommon(absl::string_view cause) {
  const absl::string_view common[] = {kSubmittedCause, "DUE", "CLAIMED", "SUCCEEDED"};
  return std::find(std::begin(common), std::end(common), cause) != std::end(common);
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
                              {"cause", change.entry.cause},
                              {"state", v1::Job::State_Name(job.state)},
                              {"reason", job.error.has_value() ? job.error->reason() : ""}});
  }
}

}  // namespace buzzer::state
