// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/watchdog.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace buzzer::amqp {
namespace {

class WatchdogTest : public ::testing::Test {
 protected:
  WatchdogTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair_), 0); }
  ~WatchdogTest() override {
    close(pair_[0]);
    close(pair_[1]);
  }

  // Reads until the other end is shut down, as a stuck call of the library would.
  bool ReadEnds() {
    pollfd readable = {pair_[0], POLLIN, 0};
    char byte;
    return poll(&readable, 1, 30'000) == 1 && read(pair_[0], &byte, 1) == 0;
  }

  int pair_[2];
};

TEST_F(WatchdogTest, EndsACallThatTakesTooLong) {
  Watchdog watchdog(absl::Milliseconds(20));
  watchdog.Guard(pair_[0]);
  Watchdog::Busy busy(&watchdog);
  EXPECT_TRUE(ReadEnds());
}

TEST_F(WatchdogTest, EndsACallSoonOnceItsOwnerWantsToEnd) {
  Watchdog watchdog(absl::Hours(1));
  watchdog.Guard(pair_[0]);
  Watchdog::Busy busy(&watchdog);
  watchdog.Hurry();
  EXPECT_TRUE(ReadEnds());
}

TEST_F(WatchdogTest, LeavesAReleasedSocketAlone) {
  // The second watchdog's end shows that the first one has had its time.
  int other[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
  Watchdog idle(absl::Milliseconds(5));
  idle.Guard(other[0]);
  idle.Release();
  Watchdog::Busy idle_busy(&idle);

  Watchdog watchdog(absl::Milliseconds(50));
  watchdog.Guard(pair_[0]);
  Watchdog::Busy busy(&watchdog);
  EXPECT_TRUE(ReadEnds());

  pollfd readable = {other[0], POLLIN, 0};
  EXPECT_EQ(poll(&readable, 1, 0), 0);
  close(other[0]);
  close(other[1]);
}

}  // namespace
}  // namespace buzzer::amqp
