// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/job_tracker.h"

#include "common/job_state/job_state.h"
#include "services/cli/exit_code.h"

namespace buzzer::cli {

bool JobTracker::Apply(const v1::JobEvent& event) {
  if (event.revision() <= job_.revision()) return false;
  if (event.has_job()) {
    job_ = event.job();
  } else {
    if (event.attempt() != job_.attempt()) job_.clear_progress();
    job_.set_state(event.state());
    job_.set_attempt(event.attempt());
    if (event.has_progress()) *job_.mutable_progress() = event.progress();
    if (event.has_error()) {
      *job_.mutable_error() = event.error();
    } else if (event.state() == v1::Job::RUNNING) {
      job_.clear_error();
    }
    // Of the attempt: it is granted at the event that makes it RUNNING.
    if (event.cause() == "CLAIMED") *job_.mutable_start_time() = event.time();
    // Only a whole job tells when a SCHEDULED one goes on, and what it waits for.
    job_.clear_run_at();
    job_.clear_wait_reason();
  }
  job_.set_revision(event.revision());
  return true;
}

bool JobTracker::Look(const v1::Job& job) {
  if (job.revision() != job_.revision() || job.wait_reason() == job_.wait_reason()) return false;
  job_ = job;
  return true;
}

bool JobTracker::ended() const { return IsTerminal(job_.state()); }

}  // namespace buzzer::cli
