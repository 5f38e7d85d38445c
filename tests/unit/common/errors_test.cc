// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/errors/errors.h"

#include <gtest/gtest.h>

#include <climits>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"

namespace buzzer {
namespace {

template <typename Detail>
std::optional<Detail> Find(const google::rpc::Status& status) {
  for (const auto& any : status.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

TEST(ErrorBuilder, BuildsEveryDetail) {
  const absl::Status status =
      ErrorBuilder(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "queue mail is full")
          .Field("queue", "is full")
          .Field("type", "waits there")
          .RetryAfter(absl::Milliseconds(1500))
          .Metadata("queue", "mail")
          .Build();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "queue mail is full");
  const google::rpc::Status rpc = ToRpcStatus(status);
  const auto info = Find<google::rpc::ErrorInfo>(rpc);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->reason(), "QUEUE_FULL");
  EXPECT_EQ(info->domain(), std::string(kErrorDomain));
  EXPECT_EQ(info->metadata().at("queue"), "mail");
  const auto bad_request = Find<google::rpc::BadRequest>(rpc);
  ASSERT_TRUE(bad_request.has_value());
  ASSERT_EQ(bad_request->field_violations_size(), 2);
  EXPECT_EQ(bad_request->field_violations(0).field(), "queue");
  EXPECT_EQ(bad_request->field_violations(1).description(), "waits there");
  const auto retry = Find<google::rpc::RetryInfo>(rpc);
  ASSERT_TRUE(retry.has_value());
  EXPECT_EQ(retry->retry_delay().seconds(), 1);
  EXPECT_EQ(retry->retry_delay().nanos(), 500'000'000);
}

TEST(ErrorBuilder, LeavesOutWhatWasNotSaid) {
  const absl::Status status =
      ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "no such job").Build();
  EXPECT_EQ(ToRpcStatus(status).details_size(), 1);
  EXPECT_EQ(ErrorReason(status), "JOB_NOT_FOUND");
  EXPECT_FALSE(ErrorRetryAfter(status).has_value());
}

TEST(Errors, NameTheFieldThatIsWrong) {
  const absl::Status status = InvalidField("labels", "at most 32 may be set");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "`labels`: at most 32 may be set");
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
}

TEST(Errors, SurviveTheWire) {
  const absl::Status status = ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_FULL", "no room")
                                  .RetryAfter(absl::Seconds(10))
                                  .Build();
  google::rpc::Status rpc;
  ASSERT_TRUE(rpc.ParseFromString(ToRpcStatus(status).SerializeAsString()));
  const absl::Status back = FromRpcStatus(rpc);
  EXPECT_EQ(back, status);
  EXPECT_EQ(ErrorReason(back), "STORE_FULL");
  EXPECT_EQ(ErrorRetryAfter(back), absl::Seconds(10));
  EXPECT_TRUE(FromRpcStatus(ToRpcStatus(absl::OkStatus())).ok());
}

TEST(Errors, OfAnUnknownCodeAreUnknown) {
  for (const int code : {-1, 17, 999, INT_MAX, INT_MIN}) {
    google::rpc::Status rpc;
    rpc.set_code(code);
    EXPECT_EQ(FromRpcStatus(rpc).raw_code(), static_cast<int>(absl::StatusCode::kUnknown)) << code;
  }
}

TEST(Errors, WithoutDetailsHaveNoReason) {
  EXPECT_EQ(ErrorReason(absl::InternalError("bare")), "");
  EXPECT_EQ(ErrorReason(absl::OkStatus()), "");
  EXPECT_FALSE(ErrorRetryAfter(absl::InternalError("bare")).has_value());
}

}  // namespace
}  // namespace buzzer
