// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_EXIT_CODE_H_
#define SERVICES_CLI_EXIT_CODE_H_

#include "absl/status/status.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer::cli {

// What scripts see; part of the command's promise (see usage.cc).
enum ExitCode {
  kOk = 0,
  kJobFailed = 1,
  kUsage = 2,
  kJobCancelled = 3,
  kNotFound = 4,
  kUnavailable = 5,
  kRefused = 6,
  kInterrupted = 130,
};

// For a command that ends with a call's status.
ExitCode ExitCodeFor(const absl::Status& status);

// For a watch that saw the job's end. `state` is terminal.
ExitCode ExitCodeFor(v1::Job::State state);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_EXIT_CODE_H_
