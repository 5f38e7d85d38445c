// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/log/gatherer.h"
#include "common/log/log.h"

namespace buzzer::log {
namespace {

using std::chrono::hours;

// Two ends of which one is written to.
class Channel {
 public:
  enum class Kind { kPipe, kOneReadAWrite };

  explicit Channel(Kind kind) {
    std::array<int, 2> ends{};
    if (kind == Kind::kPipe) {
      EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    } else {
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    }
    reads_ = ends[0];
    writes_ = ends[1];
  }
  ~Channel() {
    close(reads_);
    close(writes_);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int end() const { return writes_; }

  // Waits until there is something.
  std::string Read() const {
    std::string text(size_t{4} * PIPE_BUF, '\0');
    const ssize_t size = read(reads_, text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  // What is there.
  std::string ReadAll() const {
    EXPECT_EQ(fcntl(reads_, F_SETFL, O_NONBLOCK), 0);
    std::string all;
    for (std::string text = Read(); !text.empty(); text = Read()) all += text;
    EXPECT_EQ(fcntl(reads_, F_SETFL, 0), 0);
    return all;
  }

 private:
  int reads_ = -1;
  int writes_ = -1;
};

TEST(LogGatherer, WritesALineThatComesAloneAtOnce) {
  const Channel channel(Channel::Kind::kOneReadAWrite);
  Gatherer gatherer(channel.end(), hours(1));
  gatherer.Add("one\n", false);
  EXPECT_EQ(channel.ReadAll(), "one\n");
}

TEST(LogGatherer, KeepsWhatComesSoonAfterAndWritesItTogetherAtItsEnd) {
  const Channel channel(Channel::Kind::kOneReadAWrite);
  {
    Gatherer gatherer(channel.end(), hours(1));
    gatherer.Add("one\n", false);
    gatherer.Add("two\n", false);
    gatherer.Add("three\n", false);
    EXPECT_EQ(channel.ReadAll(), "one\n");
  }
  EXPECT_EQ(channel.Read(), "two\nthree\n");
}

TEST(LogGatherer, WritesWhatGatheredWhenTheTimeIsOver) {
  const Channel channel(Channel::Kind::kPipe);
  Gatherer gatherer(channel.end(), std::chrono::milliseconds(1));
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string line = absl::StrCat("line ", i, "\n");
    gatherer.Add(line, false);
    expected += line;
  }
  std::string all;
  while (all.size() < expected.size()) all += channel.Read();
  EXPECT_EQ(all, expected);
}

TEST(LogGatherer, AnUrgentLineTakesThoseBeforeItAlong) {
  const Channel channel(Channel::Kind::kOneReadAWrite);
  Gatherer gatherer(channel.end(), hours(1));
  gatherer.Add("one\n", false);
  gatherer.Add("two\n", false);
  gatherer.Add("three\n", true);
  EXPECT_EQ(channel.Read(), "one\n");
  EXPECT_EQ(channel.Read(), "two\nthree\n");
}

TEST(LogGatherer, WritesALineAtOnceAfterItWasStopped) {
  const Channel channel(Channel::Kind::kOneReadAWrite);
  Gatherer gatherer(channel.end(), hours(1));
  gatherer.Add("one\n", false);
  gatherer.Add("two\n", false);
  gatherer.Stop();
  EXPECT_EQ(channel.ReadAll(), "one\ntwo\n");
  gatherer.Add("three\n", false);
  EXPECT_EQ(channel.ReadAll(), "three\n");
}

TEST(LogGatherer, WritesWhenItIsFull) {
  const Channel channel(Channel::Kind::kOneReadAWrite);
  Gatherer gatherer(channel.end(), hours(1));
  gatherer.Add("one\n", false);
  const std::string line = std::string(PIPE_BUF - 1, 'x') + "\n";
  constexpr size_t kFit = Gatherer::kMostBytes / PIPE_BUF;
  for (size_t i = 0; i < kFit; ++i) gatherer.Add(line, false);
  EXPECT_EQ(channel.ReadAll(), "one\n");
  gatherer.Add("last\n", false);
  EXPECT_EQ(channel.ReadAll().size(), kFit * line.size());
}

TEST(LogGatherer, WritesWholeLinesAndNoMoreThanAPipeKeepsTogether) {
  const Channel channel(Channel::Kind::kOneReadAWrite);
  const std::string most = std::string(PIPE_BUF - 1, 'm') + "\n";
  const std::string longer = std::string(PIPE_BUF, 'l') + "\n";
  const std::string half = std::string(PIPE_BUF / 2, 'h') + "\n";
  WriteLines(channel.end(), absl::StrCat(most, longer, "a\n", half, "b\n", half, "c\n"));
  EXPECT_EQ(channel.Read(), most);
  EXPECT_EQ(channel.Read(), longer);
  EXPECT_EQ(channel.Read(), absl::StrCat("a\n", half, "b\n"));
  EXPECT_EQ(channel.Read(), absl::StrCat(half, "c\n"));
  // One byte too many.
  WriteLines(channel.end(), absl::StrCat("ab\n", most.substr(2)));
  EXPECT_EQ(channel.Read(), "ab\n");
  EXPECT_EQ(channel.Read(), most.substr(2));
}

TEST(LogGatherer, WaitsForRoomInAPipeThatDoesNotBlock) {
  const Channel channel(Channel::Kind::kPipe);
  ASSERT_EQ(fcntl(channel.end(), F_SETFL, O_NONBLOCK), 0);
  std::string lines;
  while (lines.size() < (size_t{1} << 20)) absl::StrAppend(&lines, "line ", lines.size(), "\n");
  std::thread writes([&] { WriteLines(channel.end(), lines); });
  std::string all;
  while (all.size() < lines.size()) all += channel.Read();
  writes.join();
  EXPECT_EQ(all, lines);
}

TEST(LogGatherer, GivesUpOnAPipeThatNobodyReads) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  close(ends[0]);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  {
    Gatherer gatherer(ends[1], hours(1));
    gatherer.Add("one\n", true);
  }
  std::signal(SIGPIPE, before);
  close(ends[1]);
}

TEST(LogGatherer, AnUrgentLineIsWrittenWhenAddReturnsThoughAnotherThreadAlwaysWrites) {
  const Channel channel(Channel::Kind::kPipe);
  Gatherer gatherer(channel.end(), std::chrono::nanoseconds(0));
  std::atomic<bool> done{false};
  std::thread floods([&] {
    while (!done) gatherer.Add("flood\n", false);
  });
  // Nobody may wait for room in the pipe while this thread waits for them.
  std::thread urgent([&] {
    for (int i = 0; i < 200; ++i) gatherer.Add(absl::StrCat("urgent ", i, "\n"), true);
    done = true;
  });
  std::string all;
  while (!done) all += channel.ReadAll();
  all += channel.ReadAll();
  EXPECT_TRUE(absl::StrContains(all, "urgent 199\n"));
  std::thread reads([&] {
    while (!absl::EndsWith(channel.Read(), "end")) {
    }
  });
  urgent.join();
  floods.join();
  gatherer.Stop();
  EXPECT_EQ(write(channel.end(), "end", 3), 3);
  reads.join();
}

TEST(LogGatherer, KeepsTheLinesOfManyThreadsWholeAndInOrderThoughNobodyReadsForAWhile) {
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  const Channel channel(Channel::Kind::kPipe);
  Gatherer gatherer(channel.end(), std::chrono::microseconds(50));
  const std::string rest_of_line = std::string(200, '.') + "\n";
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int id = 0; id < kThreads; ++id) {
    threads.emplace_back([&, id] {
      for (int i = 0; i < kLines; ++i) {
        gatherer.Add(absl::StrCat(id, " ", i, rest_of_line), i % 1000 == 0);
      }
    });
  }
  // From when the pipe is full, one waits for room in it, and then the others for that one.
  pollfd room = {channel.end(), POLLOUT, 0};
  while (poll(&room, 1, 0) != 0) std::this_thread::yield();
  std::string all;
  for (int64_t lines = 0; lines < int64_t{kThreads} * kLines;) {
    const std::string text = channel.Read();
    lines += std::count(text.begin(), text.end(), '\n');
    all += text;
  }
  for (std::thread& thread : threads) thread.join();
  gatherer.Stop();
  EXPECT_EQ(channel.ReadAll(), "");
  std::array<int, kThreads> next{};
  for (const absl::string_view line : absl::StrSplit(all, '\n', absl::SkipEmpty())) {
    const int id = line.at(0) - '0';
    ASSERT_EQ(absl::StrCat(line, "\n"), absl::StrCat(id, " ", next.at(id)++, rest_of_line));
  }
}

// The rest is of a whole process, so each has one, which ends.

TEST(LogGatheringDeathTest, AWarningIsThereWithAllBeforeItWhateverEndsTheProcess) {
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

TEST(LogGatheringDeathTest, ItsEndWritesAndWhatComesAfterIsWrittenAtOnce) {
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
