// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_REQUESTS_H_
#define SERVICES_CLI_REQUESTS_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "buzzer/v1/job_service.pb.h"
#include "services/cli/arguments.h"

namespace buzzer::cli {

// Reads a file, or standard input if its name is `-`, at most so many bytes.
using FileReader =
    absl::FunctionRef<absl::StatusOr<std::string>(const std::string& name, size_t max_bytes)>;

// What the options of `submit` ask for. INVALID_ARGUMENT names the option. What only the
// server can judge is left to it.
absl::StatusOr<v1::SubmitJobRequest> MakeSubmitRequest(const Arguments& arguments,
                                                       FileReader read_file);

// What the options of `list` ask for: its conditions joined into one filter. Its page size
// is not set.
absl::StatusOr<v1::ListJobsRequest> MakeListRequest(const Arguments& arguments);

// `jobs/ID` from an ID, from `jobs/ID`, or from a URL of the REST API; likewise `queues/NAME` and
// `types/NAME`.
std::string JobName(absl::string_view argument);
std::string QueueName(absl::string_view argument);
std::string TypeName(absl::string_view argument);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_REQUESTS_H_
