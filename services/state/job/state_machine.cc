// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/state_machine.h"

namespace buzzer::state {

std::optional<JobState> Next(JobState from, Trigger trigger) {
  using v1::Job;
  switch (trigger) {
    case Trigger::kDue:
      if (from == Job::SCHEDULED) return Job::QUEUED;
      break;
    case Trigger::kClaim:
      if (from == Job::QUEUED) return Job::RUNNING;
      break;
    case Trigger::kSucceed:
      // Work that was finished before it could be stopped counts.
      if (from == Job::RUNNING || from == Job::CANCELLING) return Job::SUCCEEDED;
      break;
    case Trigger::kFailForNow:
      if (from == Job::RUNNING) return Job::SCHEDULED;
      break;
    case Trigger::kFailForGood:
      if (from == Job::RUNNING) return Job::FAILED;
      break;
    case Trigger::kHandBack:
      if (from == Job::RUNNING) return Job::QUEUED;
      break;
    case Trigger::kRequestCancel:
      if (from == Job::SCHEDULED || from == Job::QUEUED) return Job::CANCELLED;
      if (from == Job::RUNNING) return Job::CANCELLING;
      break;
    case Trigger::kPassDeadline:
      if (from == Job::SCHEDULED || from == Job::QUEUED) return Job::FAILED;
      if (from == Job::RUNNING) return Job::CANCELLING;
      break;
    case Trigger::kStopForCancel:
      if (from == Job::CANCELLING) return Job::CANCELLED;
      break;
    case Trigger::kStopForDeadline:
      if (from == Job::CANCELLING) return Job::FAILED;
      break;
    case Trigger::kRequestRetry:
      if (from == Job::FAILED || from == Job::CANCELLED) return Job::QUEUED;
      break;
    case Trigger::kForceCancel:
      if (from == Job::RUNNING || from == Job::CANCELLING) return Job::CANCELLED;
      break;
  }
  return std::nullopt;
}

bool IsActive(JobState state) { return state == v1::Job::RUNNING || state == v1::Job::CANCELLING; }

}  // namespace buzzer::state
