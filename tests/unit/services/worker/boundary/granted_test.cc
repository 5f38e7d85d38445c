// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/boundary/granted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace buzzer::worker {
namespace {

using internal::v1::Granted;
using ::testing::HasSubstr;
using ::testing::Not;

Granted Usual() {
  Granted granted;
  granted.set_attempt(1);
  granted.set_lease_id(std::string(16, 'x'));
  granted.mutable_lease()->set_seconds(30);
  granted.mutable_attempt_timeout()->set_seconds(60);
  granted.set_tenant("default");
  granted.set_type("work");
  granted.set_queue("work");
  granted.set_payload("{}");
  return granted;
}

template <typename Change>
std::string FaultOf(Change change) {
  Granted granted = Usual();
  change(granted);
  return std::string(CheckGranted(granted).message());
}

TEST(CheckGranted, TakesWhatTheApiAllows) {
  EXPECT_TRUE(CheckGranted(Usual()).ok());
  Granted granted = Usual();
  granted.clear_lease();
  granted.clear_attempt_timeout();
  granted.set_payload(std::string(1 << 20, 'x'));
  EXPECT_TRUE(CheckGranted(granted).ok());
  granted.mutable_lease()->set_seconds(3600);
  granted.mutable_attempt_timeout()->set_seconds(30 * int64_t{86400});
  granted.set_attempt(std::numeric_limits<int32_t>::max());
  EXPECT_TRUE(CheckGranted(granted).ok());
  // What has 16 KiB as JSON: many small numbers.
  auto* list = granted.mutable_checkpoint()->mutable_list_value();
  for (int i = 0; i < 8000; ++i) list->add_values()->set_number_value(1);
  EXPECT_TRUE(CheckGranted(granted).ok());
}

TEST(CheckGranted, RefusesAnAttemptOrLeaseThatIsNone) {
  for (const int attempt : {0, -1, std::numeric_limits<int>::min()}) {
    EXPECT_THAT(FaultOf([&](Granted& granted) { granted.set_attempt(attempt); }),
                HasSubstr("`attempt` must be 1 or more"));
  }
  for (const size_t size : {size_t{0}, size_t{65}, size_t{1} << 20}) {
    EXPECT_THAT(FaultOf([&](Granted& granted) { granted.set_lease_id(std::string(size, 'x')); }),
                HasSubstr("`lease_id` must have"));
  }
}

TEST(CheckGranted, RefusesAbsurdDurations) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int32_t kMostNanos = std::numeric_limits<int32_t>::max();
  for (const auto& [seconds, nanos] : {std::pair<int64_t, int32_t>{0, 0},
                                       {-1, 0},
                                       {-kMost, -5},
                                       {kMost, 0},
                                       {30, -1},
                                       {30, 1'000'000'000},
                                       {0, kMostNanos},
                                       {400 * int64_t{86400}, 0}}) {
    const auto set = [seconds = seconds, nanos = nanos](google::protobuf::Duration* duration) {
      duration->set_seconds(seconds);
      duration->set_nanos(nanos);
    };
    const std::string which = absl::StrCat(seconds, " s ", nanos);
    EXPECT_THAT(FaultOf([&](Granted& granted) { set(granted.mutable_lease()); }),
                HasSubstr("`lease` must be"))
        << which;
    EXPECT_THAT(FaultOf([&](Granted& granted) { set(granted.mutable_attempt_timeout()); }),
                HasSubstr("`attempt_timeout` must be"))
        << which;
  }
}

TEST(CheckGranted, RefusesWhatIsTooLargeAndRepeatsNoneOfIt) {
  EXPECT_THAT(FaultOf([](Granted& granted) { granted.set_payload(std::string(5 << 20, 'x')); }),
              HasSubstr("`payload` must have at most"));
  EXPECT_THAT(FaultOf([](Granted& granted) {
                granted.mutable_checkpoint()->set_string_value(std::string(1 << 18, 'x'));
              }),
              HasSubstr("`checkpoint` must have at most"));
  EXPECT_THAT(FaultOf([](Granted& granted) {
                for (int i = 0; i < 2000; ++i)
                  (*granted.mutable_labels())[absl::StrCat(i)] = absl::StrCat(i);
              }),
              HasSubstr("`labels` must be at most"));
  const std::string fault =
      FaultOf([](Granted& granted) { granted.set_tenant("a secret" + std::string(2000, 'x')); });
  EXPECT_THAT(fault, HasSubstr("`tenant` must be a short text"));
  EXPECT_THAT(fault, Not(HasSubstr("secret")));
}

TEST(CheckGranted, RefusesATextThatAnEnvironmentCouldNotHold) {
  const std::string text("de\0fault", 8);
  EXPECT_THAT(FaultOf([&](Granted& granted) { granted.set_tenant(text); }), HasSubstr("`tenant`"));
  EXPECT_THAT(FaultOf([&](Granted& granted) { granted.set_type(text); }), HasSubstr("`type`"));
  EXPECT_THAT(FaultOf([&](Granted& granted) { granted.set_queue(text); }), HasSubstr("`queue`"));
}

}  // namespace
}  // namespace buzzer::worker
