// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/http_codes.h"

#include <gtest/gtest.h>

#include "common/errors/errors.h"

namespace buzzer::frontend {
namespace {

absl::Status Error(absl::StatusCode code, absl::string_view reason) {
  return ErrorBuilder(code, reason, "it failed").Build();
}

TEST(HttpCodes, RefineJustTheErrorsThatTheGatewayKnows) {
  EXPECT_EQ(HttpCodeOfError(Error(absl::StatusCode::kFailedPrecondition, "JOB_FINISHED")), "409");
  EXPECT_EQ(HttpCodeOfError(Error(absl::StatusCode::kAlreadyExists, "KEY_REUSED")), "422");
  EXPECT_EQ(HttpCodeOfError(Error(absl::StatusCode::kInvalidArgument, "TOO_LARGE")), "413");
  EXPECT_EQ(HttpCodeOfError(Error(absl::StatusCode::kInvalidArgument, "INVALID_FIELD")),
            std::nullopt);
  EXPECT_EQ(HttpCodeOfError(Error(absl::StatusCode::kUnavailable, "TOO_LARGE")), std::nullopt);
  EXPECT_EQ(HttpCodeOfError(absl::NotFoundError("")), std::nullopt);
}

TEST(HttpCodes, RoundRetryAfterUpToWholeSecondsAndToOne) {
  const auto after = [](absl::Duration delay) {
    return RetryAfterOfError(
        ErrorBuilder(absl::StatusCode::kUnavailable, "X", "").RetryAfter(delay).Build());
  };
  EXPECT_EQ(after(absl::Seconds(7)), "7");
  EXPECT_EQ(after(absl::Milliseconds(1500)), "2");
  EXPECT_EQ(after(absl::Milliseconds(1)), "1");
  EXPECT_EQ(after(absl::ZeroDuration()), "1");
  EXPECT_EQ(RetryAfterOfError(absl::UnavailableError("")), std::nullopt);
}

}  // namespace
}  // namespace buzzer::frontend
