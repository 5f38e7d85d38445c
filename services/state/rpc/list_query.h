// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_LIST_QUERY_H_
#define SERVICES_STATE_RPC_LIST_QUERY_H_

#include "buzzer/internal/v1/state_service.pb.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// What the store is asked for a list. The request has passed its Check. Pure, and thread-safe.
ListQuery ToQuery(const internal::v1::ListJobsRequest& request);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_LIST_QUERY_H_
