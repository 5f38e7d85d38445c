// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace buzzer::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineReaderTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_;
  LineReader reader_{4, [this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(LineReaderTest, JoinsPiecesAndSkipsEmptyLines) {
  reader_.Add("o");
  reader_.Add("ne\n\ntwo");
  reader_.Add("\n");
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
}

TEST_F(LineReaderTest, TakesTheLastLineWithoutNewline) {
  reader_.Add("end");
  EXPECT_THAT(lines_, IsEmpty());
  reader_.End();
  EXPECT_THAT(lines_, ElementsAre("end"));
}

TEST_F(LineReaderTest, SkipsALineAboveTheLimitWholeAndCountsItOnce) {
  reader_.Add("1234\n12345");
  reader_.Add("67\n8\n");
  EXPECT_THAT(lines_, ElementsAre("1234", "8"));
  EXPECT_EQ(reader_.long_lines(), 1);
}

}  // namespace
}  // namespace buzzer::worker
