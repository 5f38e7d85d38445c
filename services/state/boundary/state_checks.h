// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_BOUNDARY_STATE_CHECKS_H_
#define SERVICES_STATE_BOUNDARY_STATE_CHECKS_H_

#include "absl/status/status.h"
#include "buzzer/internal/v1/state_service.pb.h"

namespace buzzer::state {

// Whether what a frontend sent can be meant: INVALID_ARGUMENT names the field and says what
// would be right. The frontend has checked all this for its callers; whoever connects as one
// may not have. Pure, and thread-safe.

// How many jobs there are, and no more: each is checked by itself.
absl::Status CheckCounts(const internal::v1::SubmitRequest& request);
absl::Status Check(const internal::v1::NewJob& job);

absl::Status Check(const internal::v1::WatchRequest::Start& start);

absl::Status Check(const internal::v1::GetJobRequest& request);
// A bound of create_time outside the years 1 to 9999 is as good as the nearest one within.
absl::Status Check(const internal::v1::ListJobsRequest& request);
absl::Status Check(const internal::v1::GetJobResultRequest& request);
absl::Status Check(const internal::v1::CancelJobRequest& request);
absl::Status Check(const internal::v1::RetryJobRequest& request);
absl::Status Check(const internal::v1::DeleteJobRequest& request);
absl::Status Check(const internal::v1::GetQueueRequest& request);
absl::Status Check(const internal::v1::ListQueuesRequest& request);
absl::Status Check(const internal::v1::SetQueuePausedRequest& request);
absl::Status Check(const internal::v1::ReleaseKeyRequest& request);
absl::Status Check(const internal::v1::DeleteQueueRequest& request);
absl::Status Check(const internal::v1::DeleteTypeRequest& request);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_BOUNDARY_STATE_CHECKS_H_
