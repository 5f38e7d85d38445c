// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class StateConfig : public ::testing::Test {
 protected:
  absl::StatusOr<Config> Load(const std::string& text) {
    path_ = directory_.path() + "/state.yaml";
    std::ofstream(path_) << text;
    return LoadConfig(path_);
  }

  // The faults of a file, less the path in front of each.
  std::vector<std::string> Faults(const std::string& text) {
    const auto config = Load(text);
    EXPECT_TRUE(absl::IsInvalidArgument(config.status()));
    std::vector<std::string> faults;
    for (const absl::string_view fault : absl::StrSplit(config.status().message(), '\n')) {
      EXPECT_EQ(fault.substr(0, path_.size()), path_);
      faults.emplace_back(fault.substr(path_.size()));
    }
    return faults;
  }

  testing::TemporaryDirectory directory_;
  std::string path_;
};

TEST_F(StateConfig, ReadsQueuesAndTypes) {
  const auto config = Load(R"(
queues:
  - name: photos
    max_waiting: 10000
types:
  - type: images.thumbnails
    queue: photos
  - type: demo.echo
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->max_waiting_by_queue, ElementsAre(Pair("photos", 10000)));
  ASSERT_EQ(config->types.size(), 2u);
  EXPECT_EQ(config->types[0].type, "images.thumbnails");
  EXPECT_EQ(config->types[0].queue, "photos");
  EXPECT_EQ(config->types[1].queue, "demo.echo");
}

TEST_F(StateConfig, TakesAnEmptyFile) {
  EXPECT_TRUE(Load("").ok());
  EXPECT_TRUE(Load("# nothing yet\n").ok());
}

TEST_F(StateConfig, NamesEveryFaultWithItsLine) {
  const auto faults = Faults(R"(queues:
  - name: Photos
    max_waiting: 10
  - name: mail
    max_waiting: none
  - name: post
  - name: sms
    max_waiting: 0
    colour: red
types:
  - queue: mail
  - type: demo.echo
    queue: -x
  - demo.sleep
surprise: 1
)");
  EXPECT_THAT(
      faults,
      ::testing::UnorderedElementsAre(
          HasSubstr(":2: \"name\" must be"), HasSubstr(":5: \"max_waiting\" must be"),
          HasSubstr(":6: \"max_waiting\" must be"), HasSubstr(":8: \"max_waiting\" must be"),
          HasSubstr(":9: unknown key \"colour\""), HasSubstr(":11: \"type\" is missing"),
          HasSubstr(":13: \"queue\" must be"), HasSubstr(":14: a type must be a map"),
          HasSubstr(":15: unknown key \"surprise\"")));
}

TEST_F(StateConfig, RefusesAQueueThatStandsThereTwice) {
  EXPECT_THAT(Faults("queues:\n- {name: a, max_waiting: 1}\n- {name: a, max_waiting: 2}\n"),
              ElementsAre(HasSubstr(":3: queue a stands here twice")));
}

TEST_F(StateConfig, RefusesListsThatAreNone) {
  EXPECT_THAT(Faults("queues: 7\n"), ElementsAre(HasSubstr(":1: \"queues\" must be a list")));
  EXPECT_THAT(Faults("- a\n"), ElementsAre(HasSubstr(":1: the file must be a map")));
}

TEST_F(StateConfig, SaysWhereAFileIsNotYaml) {
  const auto config = Load("queues:\n  - {name: a\n");
  EXPECT_TRUE(absl::IsInvalidArgument(config.status()));
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("not YAML"));
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(":3: "));
}

TEST_F(StateConfig, TellsABoundedNumberOfFaults) {
  std::string text = "types:\n";
  for (int i = 0; i < 60; ++i) text += "- 1\n";
  const auto config = Load(text);
  EXPECT_THAT(std::string(config.status().message()), ::testing::EndsWith(": and 10 more"));
}

TEST_F(StateConfig, RepeatsWhatStandsInTheFileOnOneLine) {
  EXPECT_THAT(Faults("\"a\\nb\": 1\n"), ElementsAre(HasSubstr(":1: unknown key \"a?b\"")));
}

TEST_F(StateConfig, SaysWhichFileCannotBeRead) {
  const auto config = LoadConfig("/nowhere/state.yaml");
  EXPECT_TRUE(absl::IsNotFound(config.status()));
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("/nowhere/state.yaml"));
}

}  // namespace
}  // namespace buzzer::state
