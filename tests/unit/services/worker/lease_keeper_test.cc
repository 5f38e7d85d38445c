// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/lease_keeper.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/fakes/fake_clock.h"
#include "tests/unit/services/worker/support/fake_state_line.h"
#include "tests/unit/services/worker/support/silent_listener.h"

namespace buzzer::worker {
namespace {

class CountingObserver final : public AttemptObserver {
 public:
  void OnCancel() override { ++cancels; }
  void OnHeartbeat() override { ++heartbeats; }
  int cancels = 0;
  int heartbeats = 0;
};

class LeaseKeeperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    session_.Connect(&line_, &listener_);
    line_.Up();
    line_.Take();
  }

  std::shared_ptr<Attempt> Keep(absl::Duration timeout = absl::ZeroDuration()) {
    internal::v1::Granted granted;
    granted.set_attempt(1);
    granted.set_lease_id("lease");
    granted.mutable_lease()->set_seconds(30);
    if (timeout > absl::ZeroDuration()) {
      granted.mutable_attempt_timeout()->set_seconds(absl::ToInt64Seconds(timeout));
    }
    auto attempt = std::make_shared<Attempt>(JobId::Make(absl::UnixEpoch()), std::move(granted),
                                             absl::Seconds(10), clock_.Monotonic(), nullptr);
    keeper_.Add(attempt);
    return attempt;
  }

  // Time passes; returns how many leases are renewed then.
  int RenewedAfter(absl::Duration time) {
    clock_.Advance(time);
    keeper_.Tick();
    return line_.Take().renewals_size();
  }

  testing::FakeClock clock_;
  StateSession session_{&clock_};
  FakeStateLine line_{&session_};
  SilentListener listener_;
  LeaseKeeper keeper_{&session_, absl::Minutes(10), &clock_};
};

TEST_F(LeaseKeeperTest, RenewsEveryThirdOfALease) {
  const auto attempt = Keep();
  EXPECT_EQ(keeper_.Tick(), clock_.Monotonic() + absl::Seconds(10));
  EXPECT_EQ(RenewedAfter(absl::Seconds(9)), 0);
  EXPECT_EQ(RenewedAfter(absl::Seconds(1)), 1);
  EXPECT_EQ(RenewedAfter(absl::Seconds(9)), 0);
  EXPECT_EQ(RenewedAfter(absl::Seconds(1)), 1);
}

TEST_F(LeaseKeeperTest, RenewsUntilTheOutcomeIsSettled) {
  const auto attempt = Keep();
  attempt->Close();
  EXPECT_EQ(RenewedAfter(absl::Seconds(10)), 1);
  keeper_.Remove(attempt->lease().key);
  EXPECT_EQ(RenewedAfter(absl::Seconds(10)), 0);
  EXPECT_EQ(keeper_.Tick(), absl::InfiniteDuration());
}

TEST_F(LeaseKeeperTest, FeedsTheSupervisorWithStateDownToo) {
  const auto attempt = Keep();
  CountingObserver observer;
  attempt->Observe(&observer);
  line_.Down();
  RenewedAfter(absl::Seconds(10));
  EXPECT_EQ(observer.heartbeats, 1);
  EXPECT_EQ(observer.cancels, 0);
}

TEST_F(LeaseKeeperTest, RenewsEverythingWhenTheLineIsBack) {
  const auto attempt = Keep();
  line_.Down();
  line_.Up();
  keeper_.RenewAll();
  EXPECT_EQ(line_.Take().renewals_size(), 1);
}

TEST_F(LeaseKeeperTest, StopsAnAttemptThatRunsTooLong) {
  const auto attempt = Keep(absl::Seconds(15));
  RenewedAfter(absl::Seconds(14));
  EXPECT_FALSE(attempt->cancelled());
  RenewedAfter(absl::Seconds(1));
  EXPECT_TRUE(attempt->cancelled());
  EXPECT_EQ(attempt->Close(), StopCause::kAttemptTimeout);
}

TEST_F(LeaseKeeperTest, StopsHandlersWhenStateIsSilentBeyondTheLimit) {
  const auto attempt = Keep();
  line_.Down();
  RenewedAfter(absl::Minutes(10) - absl::Seconds(1));
  EXPECT_FALSE(attempt->cancelled());
  RenewedAfter(absl::Seconds(1));
  EXPECT_EQ(attempt->Close(), StopCause::kStateOutage);
}

TEST_F(LeaseKeeperTest, TakesAnotherLimitForWhatRunsAlready) {
  const auto attempt = Keep();
  line_.Down();
  RenewedAfter(absl::Minutes(2));
  EXPECT_FALSE(attempt->cancelled());
  keeper_.SetOutageLimit(absl::Minutes(1));
  keeper_.Tick();
  EXPECT_EQ(attempt->Close(), StopCause::kStateOutage);
}

TEST_F(LeaseKeeperTest, StopsNobodyWhileStateAnswers) {
  const auto attempt = Keep();
  for (int i = 0; i < 100; ++i) {
    RenewedAfter(absl::Seconds(10));
    line_.AnswerRenewal(std::string(attempt->lease().key.job.bytes()), 1, true);
  }
  EXPECT_FALSE(attempt->cancelled());
}

TEST_F(LeaseKeeperTest, DoesNotBlameANewAttemptForAnOldSilence) {
  clock_.Advance(absl::Hours(1));
  const auto attempt = Keep();
  keeper_.Tick();
  EXPECT_FALSE(attempt->cancelled());
}

}  // namespace
}  // namespace buzzer::worker
