// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_JOB_STATE_JOB_STATE_H_
#define COMMON_JOB_STATE_JOB_STATE_H_

#include "buzzer/v1/job.pb.h"

namespace buzzer {

// No worker has it yet, or again: QUEUED or SCHEDULED. What counts against the limits of waiting
// jobs.
inline bool IsWaiting(v1::Job::State state) {
  return state == v1::Job::QUEUED || state == v1::Job::SCHEDULED;
}

// SUCCEEDED, FAILED or CANCELLED: nothing leaves them but an explicit RetryJob.
inline bool IsTerminal(v1::Job::State state) {
  return state == v1::Job::SUCCEEDED || state == v1::Job::FAILED || state == v1::Job::CANCELLED;
}

}  // namespace buzzer

#endif  // COMMON_JOB_STATE_JOB_STATE_H_
