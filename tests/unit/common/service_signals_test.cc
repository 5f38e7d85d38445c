// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/shutdown/service_signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <vector>

#include "tests/integration/support/watched.h"

namespace buzzer {
namespace {

using ::testing::IsEmpty;

// Runs `child`, which may signal itself, in a process of its own and returns how it ended: its
// exit code, or minus the signal that killed it.
int InChild(const std::function<int()>& child) {
  const pid_t pid = fork();
  if (pid == 0) {
    BlockServiceSignals();
    _exit(child());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void Send(int signal) { kill(getpid(), signal); }

// 0 if a test's expectations held in a child, whose failures nobody counts.
int Held(bool held) { return held ? 0 : 1; }

TEST(ServiceSignals, TakesTermAndIntForTheWishToEnd) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EQ(InChild([&] {
                Send(number);
                ServiceSignals signals;
                return signals.AwaitEnd([] { _exit(99); });
              }),
              number);
  }
}

TEST(ServiceSignals, CallsForEachHangupBeforeTheEnd) {
  EXPECT_EQ(InChild([] {
              ServiceSignals signals;
              int hangups = 0;
              Send(SIGHUP);
              signals.AwaitEnd([&] { Send(++hangups < 3 ? SIGHUP : SIGTERM); });
              return hangups;
            }),
            3);
}

TEST(ServiceSignals, LivesThroughWhatOthersUseToTalkToServices) {
  EXPECT_EQ(InChild([] {
              for (const int number : {SIGUSR1, SIGUSR2, SIGPIPE}) Send(number);
              return 7;
            }),
            7);
}

TEST(ServiceSignals, TellsEveryFurtherWishToEndAndEveryHangup) {
  EXPECT_EQ(InChild([] {
              ServiceSignals signals;
              Send(SIGTERM);
              signals.AwaitEnd([] {});
              testing::Watched<std::vector<int>> told;
              const auto tell = [&](int number) {
                told.Update([&](std::vector<int>& all) { all.push_back(number); });
              };
              signals.Listen(tell, [&] { tell(SIGHUP); });
              std::vector<int> sent;
              for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGTERM, SIGHUP, SIGINT}) {
                Send(number);
                sent.push_back(number);
                if (!told.Await([&](const auto& all) { return all.size() == sent.size(); })) {
                  return 1;
                }
              }
              return Held(told.Get() == sent);
            }),
            0);
}

TEST(ServiceSignals, IsNotEndedByWhatComesBeforeOrAfterSomebodyListens) {
  EXPECT_EQ(InChild([] {
              for (const int number : {SIGTERM, SIGINT, SIGHUP}) Send(number);
              { const ServiceSignals signals; }
              for (const int number : {SIGTERM, SIGINT, SIGHUP}) Send(number);
              return 5;
            }),
            5);
}

TEST(ServiceSignals, EndsItsThreadThoughNoSignalComes) {
  std::vector<int> told;
  {
    ServiceSignals signals;
    signals.Listen([&](int number) { told.push_back(number); }, [] {});
  }
  EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace buzzer
