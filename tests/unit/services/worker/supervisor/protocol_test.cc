// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/supervisor/protocol.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstring>
#include <string>

namespace buzzer::worker {
namespace {

SupervisorMessage Read(const std::string& bytes) {
  return ReadSupervisorMessage(bytes.data(), bytes.size());
}

SupervisorMessage::Kind KindOf(int kind, int code, int step, int ending) {
  SupervisorReport report;
  report.kind = kind;
  report.code = code;
  report.failed_step = step;
  report.ending = ending;
  std::string bytes(sizeof(report), '\0');
  std::memcpy(bytes.data(), &report, sizeof(report));
  return Read(bytes).kind;
}

TEST(SupervisorMessage, TakesEveryReportThatASupervisorMakes) {
  EXPECT_EQ(KindOf(SupervisorReport::kExited, 255, 0, 0), SupervisorMessage::kReport);
  EXPECT_EQ(KindOf(SupervisorReport::kSignalled, 64, 0, SupervisorReport::kForSilence),
            SupervisorMessage::kReport);
  EXPECT_EQ(KindOf(SupervisorReport::kNotStarted, 2, SupervisorReport::kExecute, 0),
            SupervisorMessage::kReport);
}

TEST(SupervisorMessage, TakesNoReportWithNumbersThatAreNone) {
  EXPECT_EQ(KindOf(-1, 0, 0, 0), SupervisorMessage::kNonsense);
  EXPECT_EQ(KindOf(3, 0, 0, 0), SupervisorMessage::kNonsense);
  EXPECT_EQ(KindOf(INT_MAX, 0, 0, 0), SupervisorMessage::kNonsense);
  for (const int code : {-1, 256, INT_MIN}) {
    EXPECT_EQ(KindOf(SupervisorReport::kExited, code, 0, 0), SupervisorMessage::kNonsense);
  }
  for (const int code : {-1, 0, 65, INT_MAX}) {
    EXPECT_EQ(KindOf(SupervisorReport::kSignalled, code, 0, 0), SupervisorMessage::kNonsense);
  }
  EXPECT_EQ(KindOf(SupervisorReport::kNotStarted, 4096, 1, 0), SupervisorMessage::kNonsense);
  for (const int step : {-1, 0, 5}) {
    EXPECT_EQ(KindOf(SupervisorReport::kNotStarted, 2, step, 0), SupervisorMessage::kNonsense);
  }
  for (const int ending : {-1, 3, INT_MAX}) {
    EXPECT_EQ(KindOf(SupervisorReport::kExited, 0, 0, ending), SupervisorMessage::kNonsense);
  }
}

TEST(SupervisorMessage, HearsThatItIsThere) {
  EXPECT_EQ(Read(std::string(1, kAreYouThere)).kind, SupervisorMessage::kIsThere);
}

TEST(SupervisorMessage, TakesNothingOfAnotherSize) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{2}, sizeof(SupervisorReport) - 1}) {
    EXPECT_EQ(Read(std::string(size, '\0')).kind, SupervisorMessage::kNonsense) << size;
  }
  // Longer than what was read of it.
  const std::string bytes(sizeof(SupervisorReport), '\0');
  EXPECT_EQ(ReadSupervisorMessage(bytes.data(), 1 << 20).kind, SupervisorMessage::kNonsense);
}

}  // namespace
}  // namespace buzzer::worker
