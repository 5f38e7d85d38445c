// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/packed_history.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace buzzer::state {
namespace {

HistoryEntry Line(int64_t revision) {
  HistoryEntry entry;
  entry.revision = revision;
  entry.time = absl::FromUnixMicros(1'700'000'000'000'000 + revision);
  entry.state = v1::Job::RUNNING;
  entry.attempt = 3;
  entry.cause = Cause::kClaimed;
  return entry;
}

TEST(PackedHistoryTest, GivesBackWhatWasAppendedInItsOrder) {
  PackedHistory history;
  HistoryEntry failed = Line(2);
  failed.error.emplace().set_reason("SMTP_TIMEOUT");
  history.Append(Line(1));
  history.Append(failed);
  EXPECT_EQ(history.lines(), 2);
  std::vector<HistoryEntry> lines;
  Unpack(history.bytes(), 0, &lines);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].revision, 1);
  EXPECT_EQ(lines[0].time, Line(1).time);
  EXPECT_EQ(lines[0].state, v1::Job::RUNNING);
  EXPECT_EQ(lines[0].attempt, 3);
  EXPECT_EQ(lines[0].cause, Cause::kClaimed);
  EXPECT_FALSE(lines[0].error.has_value());
  EXPECT_EQ(lines[1].error->reason(), "SMTP_TIMEOUT");
}

TEST(PackedHistoryTest, GivesOnlyWhatIsAboveARevision) {
  PackedHistory history;
  for (int64_t revision = 1; revision <= 5; ++revision) history.Append(Line(revision));
  std::vector<HistoryEntry> lines;
  Unpack(history.bytes(), 3, &lines);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].revision, 4);
}

TEST(PackedHistoryTest, PiecesBehindEachOtherAreOne) {
  PackedHistory first;
  PackedHistory second;
  first.Append(Line(1));
  second.Append(Line(2));
  std::vector<HistoryEntry> lines;
  Unpack(first.bytes() + second.bytes(), 0, &lines);
  EXPECT_EQ(lines.size(), 2u);
  first.Clear();
  EXPECT_EQ(first.lines(), 0);
  EXPECT_TRUE(first.bytes().empty());
}

}  // namespace
}  // namespace buzzer::state
