// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_PLANTED_ROWS_H_
#define SERVICES_STATE_STEPS_PLANTED_ROWS_H_

#include <memory>

#include "common/clock/clock.h"
#include "services/state/store/job_rows.h"

namespace buzzer::state {

// The rows with what is planted (common/fault_points) of
//   publish_without_outbox: no job has a place in its lane, so that it is dispatched from memory
//     alone;
//   idempotency_outside_transaction: a look at keys that was taken 50 ms before the transaction
//     does not see those that are younger.
// In a real build the rows as they are. Not owned: clock.
std::unique_ptr<JobRows> WithPlantedBugs(std::unique_ptr<JobRows> rows, const Clock* clock);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_PLANTED_ROWS_H_
