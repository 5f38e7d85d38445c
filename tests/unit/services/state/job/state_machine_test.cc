// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/state_machine.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <utility>

namespace buzzer::state {
namespace {

using v1::Job;

constexpr JobState kAllStates[] = {Job::SCHEDULED, Job::QUEUED, Job::RUNNING,  Job::CANCELLING,
                                   Job::SUCCEEDED, Job::FAILED, Job::CANCELLED};

// The design's table, written down a second time: what is not here may not happen.
const std::map<std::pair<JobState, Trigger>, JobState>& Allowed() {
  static const auto* const table = new std::map<std::pair<JobState, Trigger>, JobState>{
      {{Job::SCHEDULED, Trigger::kDue}, Job::QUEUED},
      {{Job::SCHEDULED, Trigger::kRequestCancel}, Job::CANCELLED},
      {{Job::SCHEDULED, Trigger::kPassDeadline}, Job::FAILED},

      {{Job::QUEUED, Trigger::kClaim}, Job::RUNNING},
      {{Job::QUEUED, Trigger::kRequestCancel}, Job::CANCELLED},
      {{Job::QUEUED, Trigger::kPassDeadline}, Job::FAILED},

      {{Job::RUNNING, Trigger::kSucceed}, Job::SUCCEEDED},
      {{Job::RUNNING, Trigger::kFailForNow}, Job::SCHEDULED},
      {{Job::RUNNING, Trigger::kFailForGood}, Job::FAILED},
      {{Job::RUNNING, Trigger::kHandBack}, Job::QUEUED},
      {{Job::RUNNING, Trigger::kRequestCancel}, Job::CANCELLING},
      {{Job::RUNNING, Trigger::kPassDeadline}, Job::CANCELLING},
      {{Job::RUNNING, Trigger::kForceCancel}, Job::CANCELLED},

      {{Job::CANCELLING, Trigger::kSucceed}, Job::SUCCEEDED},
      {{Job::CANCELLING, Trigger::kStopForCancel}, Job::CANCELLED},
      {{Job::CANCELLING, Trigger::kStopForDeadline}, Job::FAILED},
      {{Job::CANCELLING, Trigger::kForceCancel}, Job::CANCELLED},

      {{Job::FAILED, Trigger::kRequestRetry}, Job::QUEUED},
      {{Job::CANCELLED, Trigger::kRequestRetry}, Job::QUEUED},
  };
  return *table;
}

TEST(StateMachine, AllowsExactlyTheTransitionsOfTheDesign) {
  for (const JobState from : kAllStates) {
    for (const Trigger trigger : kAllTriggers) {
      const auto it = Allowed().find({from, trigger});
      const auto expected = it == Allowed().end() ? std::nullopt : std::optional(it->second);
      EXPECT_EQ(Next(from, trigger), expected)
          << Job::State_Name(from) << ", trigger " << static_cast<int>(trigger);
    }
  }
}

TEST(StateMachine, LetsNothingHappenToAJobWithoutAState) {
  for (const Trigger trigger : kAllTriggers) {
    EXPECT_EQ(Next(Job::STATE_UNSPECIFIED, trigger), std::nullopt);
  }
}

TEST(StateMachine, LeavesTerminalStatesOnlyByRetry) {
  for (const JobState from : kAllStates) {
    if (!IsTerminal(from)) continue;
    for (const Trigger trigger : kAllTriggers) {
      if (trigger == Trigger::kRequestRetry) continue;
      EXPECT_EQ(Next(from, trigger), std::nullopt);
    }
  }
  EXPECT_EQ(Next(Job::SUCCEEDED, Trigger::kRequestRetry), std::nullopt);
}

TEST(StateMachine, KnowsWhichStatesAreTerminalAndWhichActive) {
  for (const JobState job_state : kAllStates) {
    EXPECT_EQ(IsTerminal(job_state), job_state == Job::SUCCEEDED || job_state == Job::FAILED ||
                                         job_state == Job::CANCELLED);
    EXPECT_EQ(IsActive(job_state), job_state == Job::RUNNING || job_state == Job::CANCELLING);
  }
}

}  // namespace
}  // namespace buzzer::state
