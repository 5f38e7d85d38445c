// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_JOB_STATES_H_
#define SERVICES_FRONTEND_RPC_JOB_STATES_H_

#include "buzzer/v1/job.pb.h"

namespace buzzer::frontend {

// Whether nothing leaves the state but an explicit RetryJob.
inline bool IsTerminal(v1::Job::State state) {
  return state == v1::Job::SUCCEEDED || state == v1::Job::FAILED || state == v1::Job::CANCELLED;
}

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_JOB_STATES_H_
