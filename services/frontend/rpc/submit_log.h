// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_SUBMIT_LOG_H_
#define SERVICES_FRONTEND_RPC_SUBMIT_LOG_H_

#include <string>

#include "buzzer/v1/job.pb.h"
#include "common/job_id/job_id.h"
#include "common/log/log.h"

namespace buzzer::frontend {

// Marks and logs a submit that state has taken. `made` is the id that was made for it: another
// one is that of an earlier submit with the same idempotency key.
inline void NoteSubmitted(const JobId& made, const std::string& tenant, v1::Job* stored) {
  stored->set_replayed(stored->id() != made.ToString());
  log::Info(stored->replayed() ? "job_submit_repeated" : "job_submitted",
            {{"job", stored->id()}, {"tenant", tenant}, {"type", stored->type()}});
}

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_SUBMIT_LOG_H_
