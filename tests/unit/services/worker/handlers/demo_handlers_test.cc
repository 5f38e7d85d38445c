// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <variant>

#include "services/worker/handlers/echo.h"
#include "services/worker/handlers/fail.h"
#include "services/worker/handlers/sleep.h"
#include "tests/unit/services/worker/support/fake_job_context.h"

namespace buzzer::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

template <typename HandlerType>
HandlerResult RunOn(const std::string& payload, int attempt = 1) {
  FakeJobContext context(payload, attempt);
  return HandlerType().Run(context);
}

// The message of a final failure for a bad payload.
template <typename HandlerType>
std::string Fault(const std::string& payload) {
  const HandlerResult result = RunOn<HandlerType>(payload);
  const auto* failure = std::get_if<Failure>(&result);
  if (failure == nullptr) return "no failure";
  EXPECT_EQ(failure->reason, "INVALID_PAYLOAD");
  EXPECT_FALSE(failure->retryable);
  return failure->message;
}

TEST(EchoHandler, ReturnsItsPayloadWithItsContentType) {
  FakeJobContext context("bytes\xFF");
  context.mutable_job().payload_content_type = "image/x-own";
  const HandlerResult result = EchoHandler().Run(context);
  EXPECT_EQ(std::get<Success>(result).result, "bytes\xFF");
  EXPECT_EQ(std::get<Success>(result).content_type, "image/x-own");
}

TEST(SleepHandler, ReportsEachStep) {
  FakeJobContext context(R"({"seconds":0.02,"steps":4})");
  const HandlerResult result = SleepHandler().Run(context);
  EXPECT_EQ(std::get<Success>(result).content_type, "application/json");
  EXPECT_EQ(std::get<Success>(result).result, R"({"seconds":0.02,"steps":4})");
  ASSERT_THAT(context.progress(), SizeIs(4));
  EXPECT_EQ(context.progress()[2].message(), "3 of 4");
  EXPECT_EQ(context.progress()[2].fraction(), 0.75);
}

TEST(SleepHandler, StopsAtOnceWhenItIsCancelled) {
  FakeJobContext context(R"({"seconds":86400,"steps":1})");
  std::thread canceller([&] { context.Cancel(); });
  EXPECT_TRUE(std::holds_alternative<Stopped>(SleepHandler().Run(context)));
  canceller.join();
}

TEST(SleepHandler, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(Fault<SleepHandler>(R"({"seconds":"a"})"),
              HasSubstr("`payload.seconds` must be a number from 0 to 86400"));
  EXPECT_THAT(Fault<SleepHandler>(R"({"seconds":-1})"), HasSubstr("`payload.seconds`"));
  EXPECT_THAT(Fault<SleepHandler>(R"({"steps":1.5})"),
              HasSubstr("`payload.steps` must be a whole number from 1 to 10000"));
  EXPECT_THAT(Fault<SleepHandler>(R"({"steps":0})"), HasSubstr("`payload.steps`"));
  EXPECT_THAT(Fault<SleepHandler>(R"({"second":1})"),
              HasSubstr("`payload.second` is not known; known are seconds, steps"));
  EXPECT_THAT(Fault<SleepHandler>(R"({"a\nb":1})"), HasSubstr("`payload.a?b` is not known"));
  EXPECT_THAT(Fault<SleepHandler>("[]"), HasSubstr("`payload` must be a JSON object"));
  EXPECT_THAT(Fault<SleepHandler>("no JSON"), HasSubstr("`payload` must be a JSON object"));
  EXPECT_THAT(Fault<SleepHandler>(""), HasSubstr("`payload` must be a JSON object"));
}

TEST(FailHandler, FailsAsOftenAsItIsTold) {
  const std::string payload = R"({"times":2,"retryable":true,"message":"no luck"})";
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const HandlerResult result = RunOn<FailHandler>(payload, attempt);
    EXPECT_EQ(std::get<Failure>(result).reason, "DEMO_FAILED");
    EXPECT_EQ(std::get<Failure>(result).message, "no luck");
    EXPECT_TRUE(std::get<Failure>(result).retryable);
  }
  EXPECT_EQ(std::get<Success>(RunOn<FailHandler>(payload, 3)).result, R"({"attempt":3})");
}

TEST(FailHandler, MayFailForGood) {
  EXPECT_FALSE(std::get<Failure>(RunOn<FailHandler>(R"({"retryable":false})")).retryable);
}

TEST(FailHandler, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(Fault<FailHandler>(R"({"times":-1})"), HasSubstr("`payload.times`"));
  EXPECT_THAT(Fault<FailHandler>(R"({"retryable":1})"),
              HasSubstr("`payload.retryable` must be true or false"));
  EXPECT_THAT(Fault<FailHandler>(R"({"message":1})"), HasSubstr("`payload.message`"));
}

}  // namespace
}  // namespace buzzer::worker
