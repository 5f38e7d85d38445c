// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/log/gatherer.h"
#include "common/log/log.h"

namespace buzzer::log {
namespace {

using std::chrono::hours;

class LogGatherer : public ::testing::Test {
 protected:
  LogGatherer() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reads_ = ends[0];
    writes_ = ends[1];
  }
  ~LogGatherer() override {
    close(reads_);
    close(writes_);
  }

  // What the next read(2) gives, which waits for the first byte. One write comes as one.
  std::string Next() {
    std::string text(Gatherer::kMostBytes, '\0');
    const ssize_t size = read(reads_, text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  bool HasMore() const {
    EXPECT_EQ(fcntl(reads_, F_SETFL, O_NONBLOCK), 0);
    std::array<char, 1> byte{};
    const ssize_t size = read(reads_, byte.data(), byte.size());
    EXPECT_EQ(fcntl(reads_, F_SETFL, 0), 0);
    return size > 0;
  }

  int reads_ = -1;
  int writes_ = -1;
};

TEST_F(LogGatherer, WritesALineThatComesAloneAtOnce) {
  Gatherer gatherer(writes_, hours(1));
  gatherer.Add("one\n", false);
  EXPECT_EQ(Next(), "one\n");
}

TEST_F(LogGatherer, KeepsWhatComesSoonAfterUntilTheEnd) {
  {
    Gatherer gatherer(writes_, hours(1));
    gatherer.Add("one\n", false);
    EXPECT_EQ(Next(), "one\n");
    gatherer.Add("two\n", false);
    gatherer.Add("three\n", false);
    EXPECT_FALSE(HasMore());
  }
  EXPECT_EQ(Next(), "two\nthree\n");
}

TEST_F(LogGatherer, WritesWhatGatheredWhenTheTimeIsOver) {
  Gatherer gatherer(writes_, std::chrono::milliseconds(1));
  std::string all;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string line = absl::StrCat("line ", i, "\n");
    gatherer.Add(line, false);
    expected += line;
  }
  while (all.size() < expected.size()) all += Next();
  EXPECT_EQ(all, expected);
}

TEST_F(LogGatherer, AnUrgentLineTakesThoseBeforeItAlong) {
  Gatherer gatherer(writes_, hours(1));
  gatherer.Add("one\n", false);
  EXPECT_EQ(Next(), "one\n");
  gatherer.Add("two\n", false);
  gatherer.Add("three\n", true);
  EXPECT_EQ(Next(), "two\nthree\n");
}

TEST_F(LogGatherer, WritesWhenItIsFull) {
  Gatherer gatherer(writes_, hours(1));
  gatherer.Add("first\n", false);
  EXPECT_EQ(Next(), "first\n");
  // A pipe has room for as much again.
  const std::string line(Gatherer::kMostBytes / 2, 'x');
  gatherer.Add(line, false);
  gatherer.Add(line, false);
  EXPECT_FALSE(HasMore());
  gatherer.Add("last", false);
  EXPECT_EQ(Next().size(), Gatherer::kMostBytes);
}

TEST_F(LogGatherer, WritesALineLongerThanItsRoom) {
  Gatherer gatherer(writes_, hours(1));
  const std::string line(3 * Gatherer::kMostBytes, 'x');
  std::thread adds([&] { gatherer.Add(line, true); });
  size_t size = 0;
  while (size < line.size()) size += Next().size();
  adds.join();
  EXPECT_EQ(size, line.size());
}

TEST_F(LogGatherer, KeepsTheLinesOfManyThreadsWholeAndInOrder) {
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  auto gatherer = std::make_unique<Gatherer>(writes_, std::chrono::microseconds(50));
  std::array<std::thread, kThreads> threads;
  for (int id = 0; id < kThreads; ++id) {
    threads.at(id) = std::thread([&gatherer, id] {
      for (int i = 0; i < kLines; ++i) {
        gatherer->Add(absl::StrCat(id, " ", i, "\n"), i % 100 == 0);
      }
    });
  }
  std::array<int, kThreads> next{};
  std::string rest;
  for (int seen = 0; seen < kThreads * kLines;) {
    rest += Next();
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      const std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      ++seen;
      const int id = line.at(0) - '0';
      ASSERT_EQ(line, absl::StrCat(id, " ", next.at(id)++));
    }
  }
  for (std::thread& thread : threads) thread.join();
  gatherer.reset();
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(HasMore());
}

// The rest is of a whole process, so each has one, which ends.

TEST(LogGatheringDeathTest, ACrashWritesWhatHasGathered) {
  EXPECT_EXIT(
      {
        const Gathering gathering;
        for (int i = 0; i < 100; ++i) Info("filler");
        Info("the_last_before_it");
        std::abort();
      },
      ::testing::KilledBySignal(SIGABRT), "the_last_before_it");
}

TEST(LogGatheringDeathTest, AWarningIsThereWhateverEndsTheProcess) {
  EXPECT_EXIT(
      {
        const Gathering gathering;
        for (int i = 0; i < 100; ++i) Info("filler");
        Info("the_last_before_it");
        Warning("bad");
        raise(SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "the_last_before_it.*\n.*bad");
}

TEST(LogGatheringDeathTest, FlushIsEnoughBeforeExit) {
  EXPECT_EXIT(
      {
        const Gathering gathering;
        for (int i = 0; i < 100; ++i) Info("filler");
        Info("the_last_before_it");
        Flush();
        _exit(0);
      },
      ::testing::ExitedWithCode(0), "the_last_before_it");
}

TEST(LogGatheringDeathTest, TheEndOfGatheringWritesAndWhatComesAfterIsWrittenAtOnce) {
  EXPECT_EXIT(
      {
        {
          const Gathering gathering;
          for (int i = 0; i < 100; ++i) Info("filler");
          Info("the_last_before_it");
        }
        Info("after");
        raise(SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "the_last_before_it.*\n.*after");
}

}  // namespace
}  // namespace buzzer::log
