// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/log/log.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace buzzer::log {
namespace {

using nlohmann::json;

// The lines that `write` logs.
template <typename Write>
std::vector<std::string> Lines(Write write) {
  ::testing::internal::CaptureStderr();
  write();
  return absl::StrSplit(::testing::internal::GetCapturedStderr(), '\n', absl::SkipEmpty());
}

TEST(Log, WritesOneLineOfJsonAnEvent) {
  const auto lines = Lines([] {
    SetService("state");
    Info("job_accepted", {{"job", "0193"}, {"attempt", 3}, {"seconds", 1.5}, {"held", true}});
    Warning("lease_lost");
    Error("commit_failed", {{"error", std::string("disk")}});
  });
  ASSERT_EQ(lines.size(), 3u);
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["service"], "state");
  EXPECT_EQ(line["event"], "job_accepted");
  EXPECT_EQ(line["job"], "0193");
  EXPECT_EQ(line["attempt"], 3);
  EXPECT_EQ(line["seconds"], 1.5);
  EXPECT_EQ(line["held"], true);
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, line["time"].get<std::string>(), &time, &error))
      << error;
  EXPECT_EQ(json::parse(lines[1])["level"], "warning");
  EXPECT_EQ(json::parse(lines[2])["level"], "error");
}

TEST(Log, KeepsLargeNumbersWhole) {
  const auto lines = Lines([] {
    Info("numbers", {{"large", std::numeric_limits<int64_t>::max()}, {"size", size_t{7}}});
  });
  const json line = json::parse(lines.at(0));
  EXPECT_EQ(line["large"], std::numeric_limits<int64_t>::max());
  EXPECT_EQ(line["size"], 7);
}

TEST(Log, CannotBeBrokenByWhatItIsGiven) {
  const auto lines = Lines([] {
    Info("nasty", {{"worker", "a\nb\"c\\x01"}, {"error", "\xff\xfe not UTF-8 \xc3"}});
  });
  ASSERT_EQ(lines.size(), 1u);
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["worker"], "a\nb\"c\\x01");
  EXPECT_NE(line["error"].get<std::string>().find("not UTF-8"), std::string::npos);
}

TEST(Log, KeepsTheLinesOfThreadsApart) {
  constexpr int kThreads = 8;
  constexpr int kLines = 200;
  const auto lines = Lines([] {
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < kLines; ++n) Info("busy", {{"text", std::string(500, 'x')}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  ASSERT_EQ(lines.size(), size_t{kThreads} * kLines);
  for (const std::string& line : lines) EXPECT_TRUE(json::accept(line));
}

}  // namespace
}  // namespace buzzer::log
