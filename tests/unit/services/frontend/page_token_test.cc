// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/page_token.h"

#include <gtest/gtest.h>

#include <string>

#include "common/errors/errors.h"

namespace buzzer::frontend {
namespace {

const JobId kId = JobId::Make(absl::FromUnixSeconds(1'800'000'000));

TEST(PageToken, ReadsBackWhatItMade) {
  const std::string token = MakePageToken("default", "state=FAILED", kId);
  const auto parsed = ParsePageToken("default", "state=FAILED", token);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, kId);
}

TEST(PageToken, IsNothingIfEmpty) {
  const auto parsed = ParsePageToken("default", "", "");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, std::nullopt);
}

TEST(PageToken, IsGoodInAUrl) {
  for (const char c : MakePageToken("default", "", kId)) {
    EXPECT_TRUE(isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') << c;
  }
}

TEST(PageToken, IsBoundToTenantAndFilter) {
  const std::string token = MakePageToken("a", "bc", kId);
  EXPECT_FALSE(ParsePageToken("b", "bc", token).ok());
  EXPECT_FALSE(ParsePageToken("a", "b", token).ok());
  EXPECT_FALSE(ParsePageToken("ab", "c", token).ok());
}

TEST(PageToken, NoticesEveryChange) {
  const std::string token = MakePageToken("default", "", kId);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ParsePageToken("default", "", changed).ok()) << i;
    EXPECT_FALSE(ParsePageToken("default", "", token.substr(0, i) + token.substr(i + 1)).ok());
  }
  EXPECT_FALSE(ParsePageToken("default", "", token + "A").ok());
  EXPECT_FALSE(ParsePageToken("default", "", token + "=").ok());
  EXPECT_FALSE(ParsePageToken("default", "", "é").ok());
  EXPECT_FALSE(ParsePageToken("default", "", std::string(100'000, 'A')).ok());
}

TEST(PageToken, HasTheReasonOfItsOwn) {
  EXPECT_EQ(ErrorReason(ParsePageToken("default", "", "x").status()), "INVALID_PAGE_TOKEN");
}

}  // namespace
}  // namespace buzzer::frontend
