// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/command_line/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/flags/flag.h"

ABSL_FLAG(std::string, dish, "", "For the tests.");

namespace buzzer {
namespace {

absl::Status Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ParseFlags(static_cast<int>(argv.size()), argv.data());
}

TEST(ParseFlags, SetsFlags) {
  EXPECT_TRUE(Parse({"--dish=soup"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_dish), "soup");
}

TEST(ParseFlags, RefusesAFlagWithoutDashes) {
  const absl::Status status = Parse({"dish=soup"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("'dish=soup'"));
}

}  // namespace
}  // namespace buzzer
