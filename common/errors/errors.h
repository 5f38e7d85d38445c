// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_ERRORS_ERRORS_H_
#define COMMON_ERRORS_ERRORS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"

namespace buzzer {

// The ErrorInfo domain of every error that Buzzer makes.
inline constexpr absl::string_view kErrorDomain = "buzzer.dev";

// Builds the one shape of error that callers see: a status whose payloads are the
// details ErrorInfo, BadRequest and RetryInfo of google.rpc. Use as
//   return ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "...").Build();
class ErrorBuilder {
 public:
  // `reason` is UPPER_SNAKE_CASE and part of the API; `message` is for people:
  // what is wrong and what would be right, never SQL, a secret or a payload.
  ErrorBuilder(absl::StatusCode code, absl::string_view reason, absl::string_view message);

  // Adds a BadRequest field violation. `field` is the proto path, e.g. `labels`.
  ErrorBuilder& Field(absl::string_view field, absl::string_view description);

  // Adds RetryInfo; on REST it becomes the header Retry-After.
  ErrorBuilder& RetryAfter(absl::Duration delay);

  // Adds a pair to ErrorInfo.metadata.
  ErrorBuilder& Metadata(absl::string_view key, absl::string_view value);

  absl::Status Build() const;

 private:
  absl::StatusCode code_;
  std::string message_;
  std::string reason_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::optional<absl::Duration> retry_after_;
};

// INVALID_ARGUMENT with reason INVALID_FIELD and one violation; the message is
// "`field`: description".
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// The ErrorInfo reason, or "" if the status has none.
std::string ErrorReason(const absl::Status& status);

// The RetryInfo delay, if the status has one.
std::optional<absl::Duration> ErrorRetryAfter(const absl::Status& status);

// The wire form, details included, and back. OK maps to OK.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace buzzer

#endif  // COMMON_ERRORS_ERRORS_H_
