// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_BOUNDARY_WORK_CHECKS_H_
#define SERVICES_STATE_BOUNDARY_WORK_CHECKS_H_

#include "absl/status/status.h"
#include "buzzer/internal/v1/work_service.pb.h"

namespace buzzer::state {

// Whether what a worker sent can be meant: INVALID_ARGUMENT names the field and says what
// would be right. A worker is a stranger; what passes here may be stored, shown and sent on.
// Pure, and thread-safe.

// How many of each there are. What is in them is for the checks below.
absl::Status CheckCounts(const internal::v1::WorkRequest& request);

absl::Status Check(const internal::v1::Hello& hello);
absl::Status Check(const internal::v1::Claim& claim);
absl::Status Check(const internal::v1::Renewal& renewal);
// Of these two only whose they are, and that an outcome is one that we know: for the rest see
// Mend.
absl::Status Check(const internal::v1::ProgressReport& report);
absl::Status Check(const internal::v1::Outcome& outcome);

// An attempt did end, whatever is wrong with the words: makes its error or result one that
// can be kept. Texts are cut, a reason that is none becomes HANDLER_FAILED, a content type
// that is none application/octet-stream, and a result that is too large a failure
// (RESULT_TOO_LARGE). A wait before the next attempt is cut to kMaxRetryAfter, and left out if it
// is none.
void Mend(internal::v1::Outcome* outcome);
// Cuts the message, bounds the fraction, and leaves out data that is too large or cannot be
// told (see IsTellable).
void Mend(internal::v1::ProgressReport* report);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_BOUNDARY_WORK_CHECKS_H_
