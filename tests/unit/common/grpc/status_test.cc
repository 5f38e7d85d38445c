// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/status.h"

#include <gtest/gtest.h>

#include "common/errors/errors.h"
#include "tests/unit/common/grpc/echo_server.h"

namespace buzzer {
namespace {

absl::Status Full() {
  return ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_FULL", "no room")
      .RetryAfter(absl::Seconds(10))
      .Build();
}

TEST(GrpcStatus, MapsEveryCodeToItsOwnNumber) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    const grpc::Status mapped = ToGrpcStatus(status);
    EXPECT_EQ(static_cast<int>(mapped.error_code()), code);
    EXPECT_EQ(mapped.error_message(), "why");
    EXPECT_EQ(FromGrpcStatus(mapped), status);
  }
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(GrpcStatus, CarriesDetails) {
  const absl::Status back = FromGrpcStatus(ToGrpcStatus(Full()));
  EXPECT_EQ(ErrorReason(back), "STORE_FULL");
  EXPECT_EQ(ErrorRetryAfter(back), absl::Seconds(10));
}

TEST(GrpcStatus, TakesAStatusThatSomebodyElseMade) {
  EXPECT_EQ(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "no connection")),
            absl::UnavailableError("no connection"));
  EXPECT_EQ(FromGrpcStatus(grpc::Status(grpc::StatusCode::INTERNAL, "odd", "\xff not a proto")),
            absl::InternalError("odd"));
}

TEST(GrpcStatus, CutsALongMessageAtACharacter) {
  std::string text = "x";
  while (text.size() < 10'000) text += "ä";
  const grpc::Status mapped = ToGrpcStatus(absl::InternalError(text));
  EXPECT_LT(mapped.error_message().size(), 3000u);
  EXPECT_EQ(mapped.error_message().size() % 2, 1u);
}

TEST(GrpcStatus, KeepsTheReasonWhenDetailsDoNotFit) {
  ErrorBuilder builder(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "32 labels are wrong");
  for (int i = 0; i < 200; ++i) builder.Field("labels", std::string(100, 'x'));
  const absl::Status back =
      FromGrpcStatus(ToGrpcStatus(builder.RetryAfter(absl::Seconds(1)).Build()));
  EXPECT_EQ(ErrorReason(back), "INVALID_FIELD");
  EXPECT_EQ(ErrorRetryAfter(back), absl::Seconds(1));
}

// gRPC cuts a call whose trailers are too large: whatever we make must come through.
TEST(GrpcStatus, ComesThroughARealServerHoweverLargeItIs) {
  for (const std::string& character : {std::string("x"), std::string("ä"), std::string("%")}) {
    std::string text;
    while (text.size() < 10'000) text += character;
    ErrorBuilder builder(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", text);
    for (int i = 0; i < 40; ++i) builder.Field("labels", text.substr(0, 64));
    testing::EchoServer server;
    server.service.SetUnaryStatus(ToGrpcStatus(builder.Build()));
    const absl::Status got = server.CallUnary();
    EXPECT_EQ(got.code(), absl::StatusCode::kInvalidArgument) << got;
    EXPECT_EQ(ErrorReason(got), "INVALID_FIELD");
    EXPECT_GT(got.message().size(), 500u);
  }
}

}  // namespace
}  // namespace buzzer
