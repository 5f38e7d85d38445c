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

using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

const Program kWaiter = {"waiter", "Takes orders.\n  waiter [--dish=NAME]"};

absl::Status Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> argv;
  argv.reserve(arguments.size());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ParseFlags(kWaiter, static_cast<int>(argv.size()), argv.data());
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

TEST(ParseFlags, AnswersHelpAndVersionAndEndsWell) {
  EXPECT_EXIT(static_cast<void>(Parse({"--help"})), ExitedWithCode(0), "");
  EXPECT_EXIT(static_cast<void>(Parse({"--dish=soup", "--version"})), ExitedWithCode(0), "");
}

TEST(HelpText, ListsTheProgramsOwnFlagsAndNoOthers) {
  const std::string help = HelpText(kWaiter);
  EXPECT_THAT(help, HasSubstr("Takes orders.\n  waiter [--dish=NAME]\n"));
  EXPECT_THAT(help, HasSubstr("  --dish=\n      For the tests.\n"));
  EXPECT_THAT(help, Not(HasSubstr("flagfile")));
}

TEST(VersionLine, TellsVersionCommitAndBuildType) {
  EXPECT_THAT(VersionLine(kWaiter),
              ::testing::MatchesRegex(
                  "waiter [0-9]+\\.[0-9]+\\.[0-9]+ \\(commit [-0-9a-z]+, [A-Za-z]+\\)\n"));
}

}  // namespace
}  // namespace buzzer
