// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/retry_policy/retry_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace buzzer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kDay = 86'400;

std::vector<std::string> FaultyFields(const v1::RetryPolicy& policy) {
  std::vector<std::string> fields;
  for (const RetryPolicyFault& fault : FindFaults(policy)) fields.push_back(fault.field);
  return fields;
}

bool IsSound(const std::function<void(v1::RetryPolicy&)>& change) {
  v1::RetryPolicy policy;
  change(policy);
  return FindFaults(policy).empty();
}

void Set(google::protobuf::Duration* duration, int64_t seconds, int32_t nanos) {
  duration->set_seconds(seconds);
  duration->set_nanos(nanos);
}

TEST(RetryPolicy, MayLeaveEveryFieldUnset) { EXPECT_THAT(FindFaults({}), ElementsAre()); }

TEST(RetryPolicy, TakesTheBoundsOfEachFieldAndNothingBeyond) {
  const auto initial = [](int64_t seconds, int32_t nanos) {
    return IsSound([&](auto& policy) { Set(policy.mutable_initial_delay(), seconds, nanos); });
  };
  EXPECT_TRUE(initial(0, 100'000'000));
  EXPECT_FALSE(initial(0, 99'999'999));
  EXPECT_TRUE(initial(kDay, 0));
  EXPECT_FALSE(initial(kDay, 1));
  EXPECT_FALSE(initial(0, 0));
  EXPECT_FALSE(initial(-1, 0));
  EXPECT_FALSE(initial(2, -1));
  EXPECT_FALSE(initial(std::numeric_limits<int64_t>::max(), 0));

  const auto longest = [](int64_t seconds, int32_t nanos) {
    return IsSound([&](auto& policy) { Set(policy.mutable_max_delay(), seconds, nanos); });
  };
  EXPECT_TRUE(longest(0, 100'000'000));
  EXPECT_FALSE(longest(0, 99'999'999));
  EXPECT_TRUE(longest(7 * kDay, 0));
  EXPECT_FALSE(longest(7 * kDay, 1));

  const auto factor = [](double value) {
    return IsSound([&](auto& policy) { policy.set_factor(value); });
  };
  EXPECT_TRUE(factor(1) && factor(1.5) && factor(10));
  EXPECT_FALSE(factor(0.999) || factor(10.001) || factor(0) || factor(-2));
  const auto jitter = [](double value) {
    return IsSound([&](auto& policy) { policy.set_jitter(value); });
  };
  EXPECT_TRUE(jitter(0) && jitter(0.25) && jitter(1));
  EXPECT_FALSE(jitter(-0.01) || jitter(1.01));
  for (const double none : {std::nan(""), std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(factor(none) || jitter(none)) << none;
  }
}

TEST(RetryPolicy, HasNoLongestDelayBelowItsFirst) {
  v1::RetryPolicy policy;
  policy.mutable_initial_delay()->set_seconds(30);
  policy.mutable_max_delay()->set_seconds(30);
  EXPECT_THAT(FaultyFields(policy), ElementsAre());
  policy.mutable_max_delay()->set_seconds(29);
  EXPECT_THAT(FaultyFields(policy), ElementsAre("max_delay"));
  EXPECT_EQ(FindFaults(policy)[0].rule, "from the initial delay (30 s) to 7 days");
  // Of a first one that is none, nothing can be said.
  policy.mutable_initial_delay()->set_seconds(2 * kDay);
  EXPECT_THAT(FaultyFields(policy), ElementsAre("initial_delay"));
}

TEST(RetryPolicy, NamesReasonsAsErrorsWriteThem) {
  EXPECT_TRUE(IsReason("PROGRAM_FAILED") && IsReason("X") && IsReason("HTTP_404"));
  EXPECT_TRUE(IsReason(std::string(63, 'A')));
  for (const std::string& text :
       {std::string(), std::string(64, 'A'), std::string("program"), std::string("A B"),
        std::string("A-B"), std::string("A\n"), std::string("\xC3\x84")}) {
    EXPECT_FALSE(IsReason(text)) << text;
  }
  v1::RetryPolicy policy;
  for (int i = 0; i < 16; ++i) policy.add_final_reasons(absl::StrCat("REASON_", i));
  EXPECT_THAT(FaultyFields(policy), ElementsAre());
  policy.add_final_reasons("ONE_TOO_MANY");
  EXPECT_THAT(FindFaults(policy)[0].rule, "at most 16, not 17");
  policy.clear_final_reasons();
  policy.add_final_reasons("");
  EXPECT_THAT(FaultyFields(policy), ElementsAre("final_reasons"));
}

TEST(RetryPolicy, TellsEveryFaultAtOnceAndWhatWouldBeRight) {
  v1::RetryPolicy policy;
  Set(policy.mutable_initial_delay(), 0, 1);
  policy.set_factor(0);
  Set(policy.mutable_max_delay(), 8 * kDay, 0);
  policy.set_jitter(2);
  policy.add_final_reasons("no reason");
  EXPECT_THAT(FaultyFields(policy),
              ElementsAre("initial_delay", "factor", "max_delay", "jitter", "final_reasons"));
  EXPECT_EQ(FindFaults(policy)[0].rule, "100 ms to 24 h");
  EXPECT_EQ(FindFaults(policy)[1].rule, "a number from 1 to 10");
  EXPECT_EQ(FindFaults(policy)[2].rule, "100 ms to 7 days");
  EXPECT_THAT(FindFaults(policy)[4].rule, HasSubstr(kReasonRule));
}

}  // namespace
}  // namespace buzzer
