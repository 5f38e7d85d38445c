// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_SUBMIT_BYTES_H_
#define SERVICES_FRONTEND_SUBMIT_BYTES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace buzzer::frontend {

// Looks at a submit's bytes before they become messages: a google.protobuf.Value of two bytes
// becomes an object of eighty, so 16 MB of empty lists took 320 MB. Nothing is built here; the
// same bytes give the same answer. What is not looked at is left to the parser and to MakeNewJob.

// Whether the bytes of a SubmitJobRequest may be parsed. INVALID_ARGUMENT, as MakeNewJob's: the
// payload is longer than kMaxPayloadBytes as JSON at the least (TOO_LARGE) or nested deeper than
// kMaxJsonDepth, or there are more than kMaxLabels labels; or (INVALID_REQUEST) there are far
// more fields than the API has, or the bytes are no message at all.
absl::Status CheckSubmitBytes(google::protobuf::io::ZeroCopyInputStream* bytes);
absl::Status CheckSubmitBytes(absl::string_view bytes);

// The bytes of each request of a BatchSubmitJobsRequest, not checked further. INVALID_ARGUMENT:
// none, or more than kMaxBatchRequests; or the bytes are no message (INVALID_REQUEST).
absl::StatusOr<std::vector<std::string>> SplitBatchBytes(
    google::protobuf::io::ZeroCopyInputStream* bytes);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_SUBMIT_BYTES_H_
