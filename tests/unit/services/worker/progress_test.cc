// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/unit/services/worker/support/fake_state_line.h"
#include "tests/unit/services/worker/support/silent_listener.h"

namespace buzzer::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Progress At(double fraction) {
  v1::Progress progress;
  progress.set_fraction(fraction);
  return progress;
}

double Fit(double fraction) {
  v1::Progress progress = At(fraction);
  FitProgress(&progress);
  return progress.fraction();
}

TEST(FitProgress, BringsTheFractionIntoItsRange) {
  EXPECT_EQ(Fit(0.4), 0.4);
  EXPECT_EQ(Fit(-1), 0);
  EXPECT_EQ(Fit(7), 1);
  EXPECT_EQ(Fit(INFINITY), 1);
  EXPECT_EQ(Fit(NAN), 0);
}

TEST(FitProgress, CutsTheMessageBetweenCharacters) {
  v1::Progress progress;
  progress.set_message(std::string(1023, 'x') + "\xC3\xA4");
  FitProgress(&progress);
  EXPECT_EQ(progress.message(), std::string(1023, 'x'));
}

TEST(FitProgress, DropsDataThatIsTooLargeAndSaysSo) {
  v1::Progress progress = At(0.5);
  progress.mutable_data()->set_string_value(std::string((16 << 10) - 2, 'x'));
  EXPECT_TRUE(FitProgress(&progress));
  EXPECT_TRUE(progress.has_data());
  progress.mutable_data()->set_string_value(std::string((16 << 10) - 1, 'x'));
  EXPECT_FALSE(FitProgress(&progress));
  EXPECT_FALSE(progress.has_data());
  EXPECT_EQ(progress.fraction(), 0.5);
}

class ProgressPacerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    session_.Connect(&line_, &listener_);
    line_.Up();
    line_.Take();
  }

  // The fractions that go out now.
  std::vector<double> Sent() {
    std::vector<double> fractions;
    const internal::v1::WorkRequest request = line_.Take();
    for (const auto& report : request.progress()) {
      EXPECT_EQ(report.lease_id(), "lease");
      fractions.push_back(report.progress().fraction());
    }
    return fractions;
  }

  testing::FakeClock clock_;
  StateSession session_{&clock_};
  FakeStateLine line_{&session_};
  SilentListener listener_;
  ProgressPacer pacer_{&session_, &clock_};
  const LeaseRef lease_{{JobId::Make(absl::UnixEpoch()), 1}, "lease"};
};

TEST_F(ProgressPacerTest, SendsTheFirstReportAtOnce) {
  pacer_.Report(lease_, At(0.1));
  EXPECT_THAT(Sent(), ElementsAre(0.1));
}

TEST_F(ProgressPacerTest, SendsTheNewestOfAHundredMilliseconds) {
  pacer_.Report(lease_, At(0.1));
  Sent();
  pacer_.Report(lease_, At(0.2));
  pacer_.Report(lease_, At(0.3));
  const absl::Duration due = pacer_.Tick();
  EXPECT_EQ(due, clock_.Monotonic() + absl::Milliseconds(100));
  EXPECT_THAT(Sent(), IsEmpty());
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(pacer_.Tick(), absl::InfiniteDuration());
  EXPECT_THAT(Sent(), ElementsAre(0.3));
}

TEST_F(ProgressPacerTest, SendsWhatIsHeldBackWhenTheAttemptEnds) {
  pacer_.Report(lease_, At(0.9));
  Sent();
  pacer_.Report(lease_, At(1));
  pacer_.Flush(lease_);
  EXPECT_THAT(Sent(), ElementsAre(1.0));
  EXPECT_EQ(pacer_.Tick(), absl::InfiniteDuration());
}

TEST_F(ProgressPacerTest, KeepsOnlyTheNewestWhileTheLineIsDown) {
  line_.Down();
  pacer_.Report(lease_, At(0.1));
  clock_.Advance(absl::Seconds(1));
  pacer_.Report(lease_, At(0.2));
  line_.Up();
  EXPECT_THAT(Sent(), ElementsAre(0.2));
}

}  // namespace
}  // namespace buzzer::worker
