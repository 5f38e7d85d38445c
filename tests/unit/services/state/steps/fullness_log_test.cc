// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/fullness_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/fakes/fake_clock.h"

namespace buzzer::state {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FullnessLogTest : public ::testing::Test {
 protected:
  template <typename Happens>
  static std::vector<std::string> Lines(Happens happens) {
    ::testing::internal::CaptureStderr();
    happens();
    return absl::StrSplit(::testing::internal::GetCapturedStderr(), '\n', absl::SkipEmpty());
  }

  testing::FakeClock clock_;
  FullnessLog log_{&clock_};
};

TEST_F(FullnessLogTest, TellsOnceThatTheStoreIsFullAndOnceThatItIsNot) {
  EXPECT_THAT(Lines([&] { log_.OnTaken(); }), IsEmpty());
  const auto full = Lines([&] {
    for (int i = 0; i < 1000; ++i) log_.OnRefused("disk_low", "the disk has too little space");
  });
  EXPECT_THAT(full, ElementsAre(AllOf(HasSubstr("store_full"), HasSubstr("disk_low"),
                                      HasSubstr("the disk has too little space"))));
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Lines([&] { log_.OnRefused("disk_low", "the disk has too little space"); }),
              IsEmpty());
  clock_.Advance(FullnessLog::kInterval);
  EXPECT_THAT(Lines([&] {
                log_.OnTaken();
                log_.OnTaken();
              }),
              ElementsAre(HasSubstr("store_takes_jobs")));
}

TEST_F(FullnessLogTest, TellsNewReasonsAndFlickersSeldom) {
  EXPECT_EQ(Lines([&] { log_.OnRefused("waiting_jobs", "the limit is reached"); }).size(), 1u);
  EXPECT_THAT(Lines([&] {
                for (int i = 0; i < 100; ++i) {
                  log_.OnTaken();
                  log_.OnRefused("waiting_jobs", "the limit is reached");
                  log_.OnRefused("disk_low", "the disk has too little space");
                }
              }),
              IsEmpty());
  clock_.Advance(FullnessLog::kInterval);
  EXPECT_THAT(Lines([&] { log_.OnRefused("disk_low", "the disk has too little space"); }),
              ElementsAre(HasSubstr("disk_low")));
}

}  // namespace
}  // namespace buzzer::state
