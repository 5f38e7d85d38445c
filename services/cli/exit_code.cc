// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/exit_code.h"

#include <string>

#include "common/errors/errors.h"

namespace buzzer::cli {

ExitCode ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kUsage;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kFailedPrecondition: {
      // The result of a job that ended without one tells how it ended.
      const std::string reason = ErrorReason(status);
      if (reason == "JOB_FAILED") return kJobFailed;
      if (reason == "JOB_CANCELLED") return kJobCancelled;
      return kRefused;
    }
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kRefused;
    default:
      return kUnavailable;
  }
}

ExitCode ExitCodeFor(v1::Job::State state) {
  switch (state) {
    case v1::Job::FAILED:
      return kJobFailed;
    case v1::Job::CANCELLED:
      return kJobCancelled;
    default:
      return kOk;
  }
}

}  // namespace buzzer::cli
