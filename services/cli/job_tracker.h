// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_JOB_TRACKER_H_
#define SERVICES_CLI_JOB_TRACKER_H_

#include <cstdint>

#include "buzzer/v1/job.pb.h"

namespace buzzer::cli {

// What a watcher knows of its job: the events of WatchJob, folded. Not thread-safe.
class JobTracker {
 public:
  explicit JobTracker(int64_t revision) { job_.set_revision(revision); }

  // False if the event is not newer than what is known; then nothing changed.
  bool Apply(const v1::JobEvent& event);

  // The job as somebody looked at it: what it waits for changes without an event. False if it
  // waits for what is known, or was seen at another revision; then nothing changed.
  bool Look(const v1::Job& job);

  // As much of the job as was told.
  const v1::Job& job() const { return job_; }

  // The last one seen; what a reconnecting watcher names.
  int64_t revision() const { return job_.revision(); }

  bool ended() const;

 private:
  v1::Job job_;
};

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_JOB_TRACKER_H_
