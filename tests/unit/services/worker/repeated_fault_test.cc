// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/repeated_fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/fakes/fake_clock.h"

namespace buzzer::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RepeatedFaultTest : public ::testing::Test {
 protected:
  RepeatedFaultTest() { job_.attempt = 3; }

  template <typename Do>
  static std::string LogOf(Do act) {
    ::testing::internal::CaptureStderr();
    act();
    return ::testing::internal::GetCapturedStderr();
  }

  testing::FakeClock clock_;
  Job job_;
  RepeatedFault fault_{"progress_refused", &job_, &clock_};
};

TEST_F(RepeatedFaultTest, IsOneLineWithACountAtTheEnd) {
  EXPECT_THAT(LogOf([&] {
                for (int i = 0; i < 815; ++i) {
                  fault_.Note(i == 0 ? "the first" : "another");
                  clock_.Advance(absl::Milliseconds(10));
                }
              }),
              IsEmpty());
  const std::string line = LogOf([&] { fault_.Tell(); });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, AllOf(HasSubstr("\"event\":\"progress_refused\""), HasSubstr("\"times\":815"),
                          HasSubstr("\"attempt\":3"), HasSubstr("the first")));
  EXPECT_THAT(LogOf([&] { fault_.Tell(); }), IsEmpty());
}

TEST_F(RepeatedFaultTest, IsToldWhileALongAttemptRuns) {
  int lines = 0;
  int told_after_seconds = 0;
  for (int second = 0; second < 3600; ++second) {
    const bool is_told = !LogOf([&] { fault_.Note("again"); }).empty();
    if (is_told && lines++ == 0) told_after_seconds = second;
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(told_after_seconds, 10);
  EXPECT_EQ(lines, 6);
}

TEST_F(RepeatedFaultTest, IsNoLineWithoutAFault) {
  EXPECT_THAT(LogOf([&] { fault_.Tell(); }), IsEmpty());
}

}  // namespace
}  // namespace buzzer::worker
