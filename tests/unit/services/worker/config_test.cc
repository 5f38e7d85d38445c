// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/limits/limits.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::worker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

class WorkerConfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<Config> Load(const std::string& text, int slots = 0) {
    std::ofstream(path_) << text;
    return LoadConfig(path_, slots);
  }

  // The faults of a file, one a line, without the file's name.
  std::vector<std::string> Faults(const std::string& text) {
    const auto config = Load(text);
    EXPECT_FALSE(config.ok());
    if (config.ok()) return {};
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    std::vector<std::string> faults = absl::StrSplit(config.status().message(), '\n');
    for (std::string& fault : faults) {
      EXPECT_THAT(fault, StartsWith(path_ + ":"));
      fault = fault.substr(path_.size() + 1);
    }
    return faults;
  }

  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/worker.yaml";
};

TEST_F(WorkerConfigTest, FillsInWhatIsNotSaid) {
  const auto config = Load("handlers: [{type: demo.echo, kind: demo.echo}]");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->slots, 8);
  EXPECT_EQ(config->drain_timeout, absl::Seconds(10));
  EXPECT_EQ(config->state_outage_limit, absl::Minutes(10));
  ASSERT_THAT(config->handlers, SizeIs(1));
  const HandlerConfig& handler = config->handlers[0];
  EXPECT_EQ(handler.type, "demo.echo");
  EXPECT_EQ(handler.queue, "demo.echo");
  EXPECT_EQ(handler.kind, HandlerConfig::Kind::kEcho);
  EXPECT_EQ(handler.concurrency, 8);
  EXPECT_EQ(handler.grace, absl::Seconds(10));
  EXPECT_EQ(handler.attempt_timeout, absl::ZeroDuration());
  EXPECT_EQ(handler.retry.ByteSizeLong(), 0u);
  EXPECT_EQ(handler.max_attempts, 0);
}

TEST_F(WorkerConfigTest, TakesEveryKeyAsItStands) {
  const auto config = Load(R"(
slots: 4
drain_timeout: 1.5s
state_outage_limit: 2h
handlers:
  - type: text.checksum
    queue: text
    kind: exec
    concurrency: 2
    grace: 500ms
    attempt_timeout: 30m
    retry: {initial: 500ms, factor: 1.5, max: 1h, jitter: 0, attempts: 20, final: [NO_INK]}
    program: [sh, -c, "exit 0"]
    content_type: text/plain
    environment: {LC_ALL: C, EMPTY: ""}
    working_directory: .
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->slots, 4);
  EXPECT_EQ(config->drain_timeout, absl::Milliseconds(1500));
  EXPECT_EQ(config->state_outage_limit, absl::Hours(2));
  ASSERT_THAT(config->handlers, SizeIs(1));
  const HandlerConfig& handler = config->handlers[0];
  EXPECT_EQ(handler.queue, "text");
  EXPECT_EQ(handler.kind, HandlerConfig::Kind::kExec);
  EXPECT_EQ(handler.concurrency, 2);
  EXPECT_EQ(handler.grace, absl::Milliseconds(500));
  EXPECT_EQ(handler.attempt_timeout, absl::Minutes(30));
  EXPECT_EQ(handler.retry.initial_delay().nanos(), 500'000'000);
  EXPECT_EQ(handler.retry.factor(), 1.5);
  EXPECT_EQ(handler.retry.max_delay().seconds(), 3600);
  EXPECT_TRUE(handler.retry.has_jitter());
  EXPECT_EQ(handler.retry.jitter(), 0);
  EXPECT_THAT(handler.retry.final_reasons(), ElementsAre("NO_INK"));
  EXPECT_EQ(handler.max_attempts, 20);
  EXPECT_THAT(handler.program.argv, ElementsAre(::testing::EndsWith("/sh"), "-c", "exit 0"));
  EXPECT_EQ(handler.program.content_type, "text/plain");
  EXPECT_THAT(handler.program.environment, ElementsAre(Pair("EMPTY", ""), Pair("LC_ALL", "C")));
  EXPECT_THAT(handler.program.working_directory, StartsWith(directory_.path()));
}

TEST_F(WorkerConfigTest, TakesTheExampleAsItStands) {
  const auto config = LoadConfig(BUZZER_EXAMPLE_CONFIG);
  EXPECT_TRUE(config.ok()) << config.status();
}

TEST_F(WorkerConfigTest, ReadsDurationsAsPeopleWriteThem) {
  const auto config = Load(R"(drain_timeout: 0
state_outage_limit: 1h30m
handlers: [{type: a, kind: exec, program: [cat], grace: 1.5s, attempt_timeout: 2d12h}])");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->drain_timeout, absl::ZeroDuration());
  EXPECT_EQ(config->state_outage_limit, absl::Minutes(90));
  EXPECT_EQ(config->handlers[0].grace, absl::Milliseconds(1500));
  EXPECT_EQ(config->handlers[0].attempt_timeout, absl::Hours(60));
}

TEST_F(WorkerConfigTest, LooksForAProgramNextToTheFile) {
  const std::string program = directory_.path() + "/work";
  std::ofstream(program) << "#!/bin/sh\n";
  chmod(program.c_str(), 0755);
  const auto config = Load("handlers: [{type: a, kind: exec, program: [./work]}]");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->handlers[0].program.argv, ElementsAre(program));
}

TEST_F(WorkerConfigTest, LetsTheFlagReplaceTheSlots) {
  const auto config = Load("slots: 4\nhandlers: [{type: a, kind: demo.echo}]", 6);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->slots, 6);
  EXPECT_EQ(config->handlers[0].concurrency, 6);
}

TEST_F(WorkerConfigTest, NamesEveryFaultWithItsLine) {
  EXPECT_THAT(Faults(R"(slots: many
drain_timeout: 10
colour: blue
handlers:
  - type: Demo
    kind: demo.echo
  - kind: demo.dream
    type: b
    queue: 1st
    concurrency: 9
    grace: -1s
    attempt_timeout: 0s
  - type: b
    kind: exec
    program: []
    environment: {BUZZER_X: 1, "A B": 2}
  - type: c
    kind: demo.sleep
    program: [sh]
)"),
              ElementsAre(AllOf(StartsWith("3: "), HasSubstr("unknown key \"colour\"")),
                          "1: \"slots\" must be a whole number from 1 to 10000",
                          AllOf(StartsWith("2: \"drain_timeout\" must be"), HasSubstr("or 2d")),
                          StartsWith("5: \"type\" must be 1 to 63 lower-case"),
                          StartsWith("9: \"queue\" must be"),
                          "10: \"concurrency\" must be at most the worker's slots (8)",
                          StartsWith("11: \"grace\" must be"),
                          StartsWith("12: \"attempt_timeout\" must be above 0"),
                          "7: \"kind\" must be one of demo.echo, demo.sleep, demo.fail, exec",
                          StartsWith("15: \"program\" must be a list"),
                          StartsWith("16: \"BUZZER_X\" cannot be set"),
                          StartsWith("16: \"A B\" cannot be set"),
                          "13: type b has a handler already; keep one",
                          "19: \"program\" is for handlers of kind exec only"));
}

TEST_F(WorkerConfigTest, NamesEveryFaultOfARetryPolicyWithItsLine) {
  EXPECT_THAT(
      Faults(R"(handlers:
  - type: a
    kind: demo.echo
    retry:
      initial: 10
      factor: twice
      max: 8d
      jitter: 25
      attempts: 101
      final: [no ink]
      delay: 1s
  - type: b
    kind: demo.echo
    retry: 5
  - type: c
    kind: demo.echo
    retry:
      initial: 0s
      factor: .nan
      final: NO_INK
  - type: d
    kind: demo.echo
    retry: {initial: 1m, max: 30s}
)"),
      ElementsAre(AllOf(StartsWith("11: "), HasSubstr("unknown key \"delay\"")),
                  "9: \"attempts\" must be a whole number from 1 to 100",
                  StartsWith("5: \"initial\" must be a number with"),
                  "6: \"factor\" must be a number",
                  "7: \"max\" must be from the initial delay (2 s) to 7 days",
                  "8: \"jitter\" must be a number from 0 to 1",
                  StartsWith("10: \"final\" must be reasons such as"),
                  AllOf(StartsWith("14: \"retry\" must be a map"), HasSubstr("attempts")),
                  "19: \"factor\" must be a number", StartsWith("20: \"final\" must be a list"),
                  "18: \"initial\" must be 100 ms to 24 h",
                  "23: \"max\" must be from the initial delay (60 s) to 7 days"));
}

TEST_F(WorkerConfigTest, TakesAGraceOfAnHourAndNoLonger) {
  const auto config = Load("handlers: [{type: a, kind: demo.echo, grace: 1h}]");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->handlers[0].grace, kMaxGrace);
  EXPECT_THAT(Faults("handlers: [{type: a, kind: demo.echo, grace: 60m1s}]"),
              ElementsAre("1: \"grace\" must be at most 1h"));
  EXPECT_THAT(Faults("drain_timeout: 366d\nhandlers: [{type: a, kind: demo.echo}]"),
              ElementsAre("1: \"drain_timeout\" must be at most 365d"));
}

TEST_F(WorkerConfigTest, RefusesAProgramThatCannotBeExecuted) {
  std::ofstream(directory_.path() + "/data") << "data";
  EXPECT_THAT(Faults(R"(handlers:
  - {type: a, kind: exec, program: [no-such-program-anywhere]}
  - {type: b, kind: exec, program: [/no/such/file]}
  - {type: c, kind: exec, program: [./data]}
  - {type: d, kind: exec, program: [sh], working_directory: /no/such/directory}
)"),
              ElementsAre(AllOf(StartsWith("2: "), HasSubstr("in PATH")),
                          AllOf(StartsWith("3: "), HasSubstr("/no/such/file is missing")),
                          AllOf(StartsWith("4: "), HasSubstr("executable file")),
                          AllOf(StartsWith("5: "), HasSubstr("must be a directory"))));
}

TEST_F(WorkerConfigTest, RefusesAFileWithoutHandlers) {
  EXPECT_THAT(Faults("slots: 1\n"), ElementsAre(HasSubstr("at least one handler")));
  EXPECT_THAT(Faults("handlers: []\n"), ElementsAre(HasSubstr("at least one handler")));
  EXPECT_THAT(Faults("- a\n"), ElementsAre(HasSubstr("must be a map")));
  EXPECT_THAT(Faults(""), ElementsAre(HasSubstr("must be a map")));
}

TEST_F(WorkerConfigTest, RefusesAKeyThatStandsTwice) {
  EXPECT_THAT(Faults("slots: 1\nslots: 2\nhandlers: [{type: a, kind: demo.echo}]"),
              ElementsAre("2: \"slots\" stands here twice; keep one"));
}

TEST_F(WorkerConfigTest, RepeatsWhatStandsInTheFileOnOneLine) {
  EXPECT_THAT(Faults("\"a\\nb\": 1\nhandlers: [{type: a, kind: demo.echo}]"),
              ElementsAre(HasSubstr("1: unknown key \"a?b\"")));
}

TEST_F(WorkerConfigTest, TellsABoundedNumberOfFaults) {
  std::string text = "handlers:\n";
  for (int i = 0; i < 60; ++i) text += "- 1\n";
  const auto config = Load(text);
  EXPECT_THAT(std::string(config.status().message()), ::testing::EndsWith(": and 10 more"));
}

TEST_F(WorkerConfigTest, TellsWhereAFileIsNoYaml) {
  EXPECT_THAT(Faults("slots: 1\nhandlers: [}\n"), ElementsAre(HasSubstr("2: not YAML")));
}

TEST_F(WorkerConfigTest, TellsAFileThatIsNotThereApart) {
  EXPECT_EQ(LoadConfig("/no/such/worker.yaml").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace buzzer::worker
