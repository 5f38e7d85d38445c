// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_BOUNDARY_GRANTED_H_
#define SERVICES_WORKER_BOUNDARY_GRANTED_H_

#include "absl/status/status.h"
#include "buzzer/internal/v1/work_service.pb.h"

namespace buzzer::worker {

// Whether a grant of the state service can be run as it stands: numbers, sizes and durations are
// within what the API allows, with some room for what a later one may. INVALID_ARGUMENT names the
// field and the rule, and repeats no value.
absl::Status CheckGranted(const internal::v1::Granted& granted);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_BOUNDARY_GRANTED_H_
