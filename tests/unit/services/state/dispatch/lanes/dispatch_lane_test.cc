// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lanes/dispatch_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Positions = std::vector<int64_t>;

// A lane whose clock and table the test holds. The job at position n is Job(n).
class DispatchLaneTest : public ::testing::Test {
 protected:
  static JobId Job(int64_t position) {
    std::string bytes(16, '\0');
    for (int i = 0; i < 8; ++i) bytes[15 - i] = static_cast<char>(position >> (8 * i));
    return *JobId::FromBytes(bytes);
  }
  static OutboxEntry Entry(int64_t position, const std::string& type = "a") {
    return {position, Job(position), type, {}};
  }
  static Positions Range(int64_t first, int64_t last) {
    Positions positions;
    for (int64_t i = first; i <= last; ++i) positions.push_back(i);
    return positions;
  }

  std::vector<OutboxEntry> TableAfter(int64_t after, int limit) const {
    std::vector<OutboxEntry> found;
    for (auto row = table_.upper_bound(after);
         row != table_.end() && static_cast<int>(found.size()) < limit; ++row) {
      found.push_back(row->second);
    }
    return found;
  }

  // Reads what the lane asks for, until it asks for nothing more.
  void ReadTable() {
    for (int i = 0; i < 1000; ++i) {
      const auto requests = lane_.NextReads(now_);
      if (requests.empty()) return;
      for (const auto& request : requests) {
        lane_.OnRead(request, TableAfter(request.after, request.limit));
      }
    }
    FAIL() << "it reads for ever";
  }
  // Rows of `type` that are in the table from now on.
  void Put(const Positions& positions, const std::string& type = "a") {
    for (const int64_t position : positions) table_[position] = Entry(position, type);
  }
  void Read(const Positions& positions) {
    Put(positions);
    ReadTable();
  }
  void OnQueued(const OutboxEntry& entry) {
    table_[entry.position] = entry;
    lane_.OnQueued(entry);
  }
  Positions Take() {
    Positions positions;
    for (const auto& message : lane_.TakeReady(now_)) {
      for (const OutboxEntry& entry : message) positions.push_back(entry.position);
    }
    return positions;
  }
  // What is out of each type.
  std::map<std::string, int> TakeByType() {
    std::map<std::string, int> taken;
    for (const auto& message : lane_.TakeReady(now_)) {
      for (const OutboxEntry& entry : message) ++taken[entry.type];
    }
    return taken;
  }
  void Claimed(int64_t position) {
    const auto row = table_.find(position);
    lane_.OnLeft(row == table_.end() ? Entry(position) : row->second, /*claimed=*/true, now_);
    table_.erase(position);
  }
  void Confirm(const Positions& positions) {
    for (const int64_t position : positions) {
      lane_.OnConfirmed(table_.at(position).type, Job(position));
    }
  }
  void ServeBy(int slots_of_a, int slots_of_b) {
    lane_.SetWorkers(1, {{"a", {slots_of_a, 0}}, {"b", {slots_of_b, 0}}});
  }
  Positions TakeHoarded(const std::string& type, int idle) {
    Positions positions;
    const int before = idle;
    for (const JobId& job : lane_.TakeHoarded(type, idle, now_)) {
      for (const auto& [position, row] : table_) {
        if (row.job == job) positions.push_back(position);
      }
    }
    EXPECT_EQ(before - idle, static_cast<int>(positions.size()));
    return positions;
  }
  // Of ten thousand rows, 500 or so a second in the last 5 s.
  void ClaimQuickly() {
    lane_.SetWorkers(1, {});
    Put(Range(1, 10'000));
    for (size_t claimed = 0; claimed < 2500;) {
      ReadTable();
      const Positions taken = Take();
      ASSERT_FALSE(taken.empty());
      for (const int64_t position : taken) Claimed(position);
      claimed += taken.size();
      now_ += DispatchRows::kMessageInterval;
    }
    ReadTable();
  }
  bool SeemsLost(int64_t ready, int64_t prefetch = 0) {
    lane_.BeginInspection();
    return lane_.SeemsLost(ready, prefetch, now_);
  }

  DispatchLane lane_;
  std::map<int64_t, OutboxEntry> table_;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(DispatchLaneTest, FindsTheTypesOfItsTable) {
  Put({1, 3}, "a");
  Put({2}, "b");
  ReadTable();
  EXPECT_THAT(Take(), ElementsAre(1, 2, 3)) << "and sends the oldest first, whatever its type";
}

TEST_F(DispatchLaneTest, ReadsAnEmptyTableOnceAndTakesWhatComesFromMemory) {
  ReadTable();
  OnQueued(Entry(1));
  OnQueued(Entry(2, "b"));
  EXPECT_THAT(lane_.NextReads(now_), IsEmpty());
  EXPECT_THAT(Take(), ElementsAre(1, 2));
}

TEST_F(DispatchLaneTest, LosesNoRowThatComesWhileItLooksForTypes) {
  const auto request = lane_.NextReads(now_);
  ASSERT_EQ(request.size(), 1u);
  OnQueued(Entry(1));
  lane_.OnRead(request[0], std::vector<OutboxEntry>());
  ReadTable();
  EXPECT_THAT(Take(), ElementsAre(1));
}

TEST_F(DispatchLaneTest, LooksAgainWhereTheFirstReadFailed) {
  Put({1});
  const auto request = lane_.NextReads(now_);
  lane_.OnRead(request.at(0), std::nullopt);
  ReadTable();
  EXPECT_THAT(Take(), ElementsAre(1));
}

TEST_F(DispatchLaneTest, MistrustsALookThatBeganBeforeARestart) {
  const auto request = lane_.NextReads(now_);
  lane_.Restart();
  lane_.OnRead(request.at(0), std::vector<OutboxEntry>());
  Put({1});
  ReadTable();
  EXPECT_THAT(Take(), ElementsAre(1));
}

TEST_F(DispatchLaneTest, LetsATypePassTheDeepBacklogOfAnother) {
  Put(Range(1, 100'000), "a");
  Put(Range(100'001, 100'005), "b");
  ServeBy(/*slots_of_a=*/1, /*slots_of_b=*/12);
  ReadTable();
  EXPECT_EQ(TakeByType(), (std::map<std::string, int>{{"a", 20}, {"b", 5}}));
}

TEST_F(DispatchLaneTest, ReadsTheTableOnceForTheTypesThatHaveNothingInIt) {
  Put(Range(1, 20'000), "a");
  std::map<std::string, WorkerSlots::Type> types;
  for (int i = 0; i < 50; ++i) types["b" + std::to_string(i)] = {1, 0};
  lane_.SetWorkers(1, types);
  size_t reads = 0;
  for (auto requests = lane_.NextReads(now_); !requests.empty(); requests = lane_.NextReads(now_)) {
    for (const auto& request : requests) {
      ++reads;
      lane_.OnRead(request, TableAfter(request.after, request.limit));
    }
  }
  // Fifty times as many if each of them read it.
  EXPECT_LE(reads, 20u);
}

TEST_F(DispatchLaneTest, SendsARowAgainThatThoseOfAnotherTypeOvertookMinutesAgo) {
  OnQueued(Entry(1, "rare"));
  ReadTable();
  Take();
  for (int64_t i = 2; i <= 9; ++i) OnQueued(Entry(i, "a"));
  ReadTable();
  Take();
  Confirm(Range(1, 9));
  lane_.BeginInspection();
  Claimed(5);
  EXPECT_EQ(lane_.RecallOvertaken(now_), 0u);
  for (const int64_t came : {2, 3, 4}) Claimed(came);
  now_ += absl::Minutes(5);
  EXPECT_EQ(lane_.RecallOvertaken(now_), 1u);
  EXPECT_THAT(Take(), ElementsAre(1));
}

TEST_F(DispatchLaneTest, HasASecondOfATypesRateOutWhereOthersShareTheQueue) {
  Put(Range(1, 100'000), "a");
  ServeBy(1, 1);
  Positions out;
  for (int64_t i = 0; i < 3000; ++i) {
    ReadTable();
    for (const int64_t position : Take()) out.push_back(position);
    Claimed(out.at(static_cast<size_t>(i)));
    now_ += absl::Milliseconds(1);
  }
  EXPECT_GE(lane_.out(), 900u);
  EXPECT_LE(lane_.out(), 1000u);
}

TEST_F(DispatchLaneTest, GivesWhatLiesUnclaimedToSlotsThatAreIdle) {
  Read(Range(1, 5));
  Take();
  Confirm(Range(1, 5));
  EXPECT_THAT(TakeHoarded("a", 2), IsEmpty()) << "it may be on its way";
  now_ += absl::Milliseconds(500);
  EXPECT_THAT(TakeHoarded("b", 2), IsEmpty());
  EXPECT_THAT(TakeHoarded("a", 2), ElementsAre(1, 2));
  EXPECT_THAT(TakeHoarded("a", 1), ElementsAre(3)) << "the first two were given just now";
  EXPECT_EQ(lane_.out(), 5u);
}

TEST_F(DispatchLaneTest, GivesNothingThatTheBrokerHasNotConfirmed) {
  Read({1, 2});
  Take();
  Confirm({2});
  now_ += absl::Minutes(1);
  EXPECT_THAT(TakeHoarded("a", 9), ElementsAre(2));
}

TEST_F(DispatchLaneTest, GivesNothingThatWasClaimed) {
  Read({1, 2});
  Take();
  Confirm({1, 2});
  now_ += absl::Seconds(1);
  Claimed(1);
  EXPECT_THAT(TakeHoarded("a", 9), ElementsAre(2));
  Claimed(2);
  EXPECT_EQ(lane_.out(), 0u);
}

TEST_F(DispatchLaneTest, MissesMessagesNotJobs) {
  ClaimQuickly();
  const auto messages = lane_.TakeReady(now_);
  for (const auto& message : messages) {
    for (const OutboxEntry& entry : message) lane_.OnConfirmed(entry.type, entry.job);
  }
  const auto count = static_cast<int64_t>(messages.size());
  EXPECT_FALSE(SeemsLost(count));
  EXPECT_FALSE(SeemsLost(count - 1));
  now_ += absl::Seconds(15);
  EXPECT_FALSE(SeemsLost(count)) << "all of them are at the broker";
  EXPECT_FALSE(SeemsLost(count - 1));
  now_ += absl::Seconds(15);
  EXPECT_TRUE(SeemsLost(count - 1));
}

TEST_F(DispatchLaneTest, MissesMessagesAfterFifteenSeconds) {
  Read(Range(1, 10));
  Take();
  Confirm(Range(1, 10));
  EXPECT_FALSE(SeemsLost(/*ready=*/4, /*prefetch=*/5));
  now_ += absl::Seconds(14);
  EXPECT_FALSE(SeemsLost(4, 5));
  now_ += absl::Seconds(1);
  EXPECT_TRUE(SeemsLost(4, 5));
}

TEST_F(DispatchLaneTest, MissesNothingThatMayLieAtWorkers) {
  Read(Range(1, 10));
  Take();
  Confirm(Range(1, 10));
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(SeemsLost(/*ready=*/5, /*prefetch=*/5));
    now_ += absl::Seconds(5);
  }
}

TEST_F(DispatchLaneTest, MissesMessagesOnlyIfTheyAreShortAllTheTime) {
  Read(Range(1, 10));
  Take();
  Confirm(Range(1, 10));
  EXPECT_FALSE(SeemsLost(4));
  now_ += absl::Seconds(10);
  EXPECT_FALSE(SeemsLost(10));
  now_ += absl::Seconds(10);
  EXPECT_FALSE(SeemsLost(4));
  now_ += absl::Seconds(10);
  EXPECT_FALSE(SeemsLost(4));
}

TEST_F(DispatchLaneTest, MissesNothingThatWasNotConfirmedBeforeTheBrokerWasAsked) {
  Read(Range(1, 10));
  Take();
  for (int i = 0; i < 10; ++i) {
    lane_.BeginInspection();
    // In the busy lane of a fast broker something is always on its way.
    if (i == 5) Confirm(Range(1, 10));
    EXPECT_FALSE(lane_.SeemsLost(/*broker_ready=*/0, /*prefetch=*/0, now_)) << i;
    if (i == 5) break;
    now_ += absl::Seconds(5);
  }
  EXPECT_FALSE(SeemsLost(0));
  now_ += absl::Seconds(15);
  EXPECT_TRUE(SeemsLost(0));
}

TEST_F(DispatchLaneTest, ForgetsAShortageThatEndedWithItsRows) {
  Read(Range(1, 10));
  Take();
  Confirm(Range(1, 10));
  EXPECT_FALSE(SeemsLost(0));
  for (int64_t i = 1; i <= 10; ++i) Claimed(i);
  now_ += absl::Minutes(5);
  OnQueued(Entry(11));
  Take();
  Confirm({11});
  EXPECT_FALSE(SeemsLost(0));
}

TEST_F(DispatchLaneTest, MissesMessagesAfterAMinuteOfSilenceWhateverThePrefetch) {
  Read({1, 2});
  Take();
  Confirm({1, 2});
  EXPECT_FALSE(SeemsLost(0, /*prefetch=*/100));
  now_ += absl::Seconds(30);
  Claimed(1);  // Somebody lives.
  EXPECT_FALSE(SeemsLost(0, 100));
  now_ += absl::Seconds(59);
  EXPECT_FALSE(SeemsLost(0, 100));
  now_ += absl::Seconds(1);
  EXPECT_TRUE(SeemsLost(0, 100));
}

}  // namespace
}  // namespace buzzer::state
