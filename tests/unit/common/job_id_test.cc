// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/job_id/job_id.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"

namespace buzzer {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1'770'000'000'123);

TEST(JobId, IsAUuidOfVersionSeven) {
  const std::string text = JobId::Make(kNow).ToString();
  ASSERT_EQ(text.size(), 36u);
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
}

TEST(JobId, TellsTheMillisecondOfItsMaking) {
  EXPECT_EQ(JobId::Make(kNow).time(), kNow);
  EXPECT_EQ(JobId::Make(kNow + absl::Microseconds(999)).time(), kNow);
}

TEST(JobId, SortsByTime) {
  EXPECT_LT(JobId::Make(kNow), JobId::Make(kNow + absl::Milliseconds(1)));
  EXPECT_LT(JobId::Make(kNow).ToString(), JobId::Make(kNow + absl::Hours(1)).ToString());
  EXPECT_LT(JobId::Make(kNow).bytes(), JobId::Make(kNow + absl::Hours(1)).bytes());
}

TEST(JobId, ComesOnce) {
  std::set<JobId> ids;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(ids.insert(JobId::Make(kNow)).second);
}

TEST(JobId, ComesBackFromItsTextAndItsBytes) {
  const JobId id = JobId::Make(kNow);
  EXPECT_EQ(JobId::Parse(id.ToString()), id);
  EXPECT_EQ(JobId::FromBytes(id.bytes()), id);
}

TEST(JobId, TakesNoOtherText) {
  const std::string good = "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
  ASSERT_TRUE(JobId::Parse(good).has_value());
  for (const std::string& bad :
       {std::string(), good.substr(1), absl::StrCat(good, "0"),
        absl::StrCat("0193A1B2", good.substr(8)), absl::StrCat("0193a1b2c", good.substr(9)),
        absl::StrCat("g", good.substr(1)), std::string(36, '-'),
        absl::StrCat(good.substr(0, 35), absl::string_view("\0", 1)),
        absl::StrCat("{", good.substr(1, 34), "}")}) {
    EXPECT_FALSE(JobId::Parse(bad).has_value()) << bad;
  }
}

TEST(JobId, TakesSixteenBytesOnly) {
  EXPECT_FALSE(JobId::FromBytes("").has_value());
  EXPECT_FALSE(JobId::FromBytes(std::string(15, 'x')).has_value());
  EXPECT_FALSE(JobId::FromBytes(std::string(17, 'x')).has_value());
}

TEST(JobId, BoundsARangeOfTime) {
  const JobId lowest = JobId::LowestAt(kNow);
  EXPECT_LE(lowest, JobId::Make(kNow));
  EXPECT_GT(lowest, JobId::Make(kNow - absl::Milliseconds(1)));
  EXPECT_GT(JobId::LowestAt(kNow + absl::Microseconds(1)), JobId::Make(kNow));
  EXPECT_EQ(JobId::LowestAt(kNow + absl::Microseconds(1)),
            JobId::LowestAt(kNow + absl::Milliseconds(1)));
}

TEST(JobId, BoundsRangesFromAndToTheEndOfTime) {
  EXPECT_EQ(JobId::LowestAt(absl::FromUnixSeconds(-1)), JobId());
  EXPECT_EQ(JobId::LowestAt(absl::InfinitePast()), JobId());
  EXPECT_GT(JobId::LowestAt(absl::InfiniteFuture()),
            JobId::Make(absl::FromUnixSeconds(253402300799)));
}

TEST(RandomBytes, AreAsManyAsAskedFor) {
  EXPECT_TRUE(RandomBytes(0).empty());
  EXPECT_EQ(RandomBytes(1000).size(), 1000u);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

}  // namespace
}  // namespace buzzer
