// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_HTTP_CODES_H_
#define SERVICES_FRONTEND_HTTP_CODES_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace buzzer::frontend {

// The gateway has one HTTP status for each gRPC code; this initial metadata tells it
// the finer one, and its Lua filter takes it from here.
inline constexpr char kHttpCodeKey[] = "x-http-code";

// For an answer that is accepted, not finished; and for one without content.
inline constexpr char kHttpAccepted[] = "202";
inline constexpr char kHttpNoContent[] = "204";

// The finer HTTP status of an error, if there is one: 409 for FAILED_PRECONDITION, 413
// for INVALID_ARGUMENT with reason TOO_LARGE, 422 for ALREADY_EXISTS.
std::optional<std::string> HttpCodeOfError(const absl::Status& error);

// `Retry-After` of an error with RetryInfo: whole seconds, rounded up, at least 1.
std::optional<std::string> RetryAfterOfError(const absl::Status& error);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_HTTP_CODES_H_
