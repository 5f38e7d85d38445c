// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/http_codes.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/errors/errors.h"

namespace buzzer::frontend {

std::optional<std::string> HttpCodeOfError(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return "409";
    case absl::StatusCode::kAlreadyExists:
      return "422";
    case absl::StatusCode::kInvalidArgument:
      if (ErrorReason(error) == "TOO_LARGE") return "413";
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<std::string> RetryAfterOfError(const absl::Status& error) {
  const auto delay = ErrorRetryAfter(error);
  if (!delay.has_value()) return std::nullopt;
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(*delay, absl::Seconds(1)));
  return absl::StrCat(std::max<int64_t>(seconds, 1));
}

}  // namespace buzzer::frontend
