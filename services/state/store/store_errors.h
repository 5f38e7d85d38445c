// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_STORE_ERRORS_H_
#define SERVICES_STATE_STORE_STORE_ERRORS_H_

#include "absl/status/status.h"
#include "common/errors/errors.h"

namespace buzzer::state {

// NOT_FOUND JOB_NOT_FOUND: there is no such job, or it is another tenant's.
inline absl::Status JobNotFound() {
  return ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND",
                      "no such job; it may have been deleted after its retention")
      .Build();
}

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_STORE_ERRORS_H_
