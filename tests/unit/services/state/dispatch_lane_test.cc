// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace buzzer::state {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

using Positions = std::vector<int64_t>;

// A lane whose clock and table the test holds. The job at position n is Job(n).
class DispatchLaneTest : public ::testing::Test {
 protected:
  static JobId Job(int64_t position) {
    std::string bytes(16, '\0');
    for (int i = 0; i < 8; ++i) bytes[15 - i] = static_cast<char>(position >> (8 * i));
    return *JobId::FromBytes(bytes);
  }
  static OutboxEntry Entry(int64_t position) { return {position, Job(position), "demo.echo", {}}; }
  static std::vector<OutboxEntry> Entries(const Positions& positions) {
    std::vector<OutboxEntry> entries;
    for (const int64_t position : positions) entries.push_back(Entry(position));
    return entries;
  }
  static Positions Range(int64_t first, int64_t last) {
    Positions positions;
    for (int64_t i = first; i <= last; ++i) positions.push_back(i);
    return positions;
  }

  Positions Take() {
    Positions positions;
    for (const auto& message : lane_.TakeReady(now_)) {
      for (const OutboxEntry& entry : message) positions.push_back(entry.position);
    }
    return positions;
  }
  // Reads an outbox that holds `positions` now.
  void Read(const Positions& positions) {
    const auto request = lane_.NextRead(now_);
    ASSERT_TRUE(request.has_value());
    Positions found;
    for (const int64_t position : positions) {
      if (position > request->after && static_cast<int>(found.size()) < request->limit) {
        found.push_back(position);
      }
    }
    lane_.OnRead(Entries(found), request->limit);
  }
  void ReadAll() { Read({}); }
  void Claimed(int64_t position) { lane_.OnLeft(Job(position), position, true, now_); }
  void Confirm(const Positions& positions) {
    for (const int64_t position : positions) lane_.OnConfirmed(Job(position));
  }
  // Five rows are out, and the second is still when the first and the third have been claimed.
  void LetOneBeOvertaken() {
    Read({1, 2, 3, 4, 5});
    Take();
    Confirm({1, 2, 3, 4, 5});
    lane_.BeginInspection();
    Claimed(1);
    Claimed(3);
    EXPECT_EQ(lane_.RecallOvertaken(now_), 0u);
  }
  // Of ten thousand rows, 500 or so a second in the last 5 s.
  void ClaimQuickly() {
    lane_.SetWorkers(1);
    const auto all = Range(1, 10'000);
    for (size_t claimed = 0; claimed < 2500;) {
      if (lane_.NextRead(now_).has_value()) {
        lane_.OnRead(std::nullopt, 0);
        Read(all);
      }
      const Positions taken = Take();
      ASSERT_FALSE(taken.empty());
      for (const int64_t position : taken) Claimed(position);
      claimed += taken.size();
      now_ += DispatchLane::kMessageInterval;
    }
    if (lane_.NextRead(now_).has_value()) {
      lane_.OnRead(std::nullopt, 0);
      Read(all);
    }
  }
  bool SeemsLost(int64_t ready, int64_t prefetch = 0) {
    lane_.BeginInspection();
    return lane_.SeemsLost(ready, prefetch, now_);
  }

  DispatchLane lane_;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(DispatchLaneTest, ReadsTheTableFirst) {
  Read({1, 2, 3});
  EXPECT_EQ(Take(), (Positions{1, 2, 3}));
  EXPECT_EQ(lane_.out(), 3u);
  EXPECT_FALSE(lane_.NextRead(now_).has_value());
}

TEST_F(DispatchLaneTest, TakesNewRowsStraightFromMemoryOnceTheTableIsRead) {
  ReadAll();
  lane_.OnQueued(Entry(7));
  EXPECT_EQ(Take(), Positions{7});
  EXPECT_FALSE(lane_.NextRead(now_).has_value());
}

TEST_F(DispatchLaneTest, HasNoMoreThanAWindowOut) {
  const auto all = Range(1, 1000);
  Read(all);
  EXPECT_EQ(Take(), Range(1, 200));
  EXPECT_TRUE(Take().empty());
  Claimed(1);
  EXPECT_EQ(Take(), Positions{201});
}

TEST_F(DispatchLaneTest, SendsOneJobAMessageWhereJobsAreFewOrLong) {
  Read(Range(1, 60));
  EXPECT_THAT(lane_.TakeReady(now_), SizeIs(60));
}

TEST_F(DispatchLaneTest, SendsWhatItGetsThroughIn20MsTogether) {
  ClaimQuickly();
  const auto messages = lane_.TakeReady(now_);
  ASSERT_THAT(messages, SizeIs(Ge(10)));
  EXPECT_THAT(messages.front(), SizeIs(AllOf(Ge(10), Le(16))));
  now_ += absl::Seconds(5);
  for (const auto& message : messages) {
    for (const OutboxEntry& entry : message) lane_.OnUndelivered(entry.job);
  }
  EXPECT_THAT(lane_.TakeReady(now_).front(), SizeIs(1));
}

TEST_F(DispatchLaneTest, SendsEachOfSeveralWorkersItsShare) {
  ClaimQuickly();
  lane_.SetWorkers(5);
  EXPECT_THAT(lane_.TakeReady(now_).front(), SizeIs(AllOf(Ge(2), Le(3))));
}

TEST_F(DispatchLaneTest, LetsFewWaitForCompanyInABusyLane) {
  ClaimQuickly();
  const auto messages = lane_.TakeReady(now_);
  // A window is out: what can go is what claims make room for.
  for (int i = 0; i < 3; ++i) Claimed(messages.front()[static_cast<size_t>(i)].position);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(lane_.held_back_until(), now_ + DispatchLane::kMessageInterval);
  now_ += DispatchLane::kMessageInterval;
  // The claims made the window larger as well.
  EXPECT_THAT(lane_.TakeReady(now_), ElementsAre(SizeIs(6)));
  EXPECT_EQ(lane_.held_back_until(), std::nullopt);
}

TEST_F(DispatchLaneTest, SendsAFullMessageAtOnce) {
  ClaimQuickly();
  const auto messages = lane_.TakeReady(now_);
  for (size_t i = 0; i < 2; ++i) {
    for (const OutboxEntry& entry : messages[i]) Claimed(entry.position);
  }
  EXPECT_FALSE(Take().empty());
}

TEST_F(DispatchLaneTest, SendsEachJobAtOnceWhereJobsAreFewOrLong) {
  lane_.SetWorkers(1);
  ReadAll();
  for (int64_t position = 1; position <= 50; ++position) {
    lane_.OnQueued(Entry(position));
    EXPECT_EQ(Take(), Positions{position});
    Claimed(position);
  }
}

TEST_F(DispatchLaneTest, MissesMessagesNotJobs) {
  ClaimQuickly();
  const auto messages = lane_.TakeReady(now_);
  for (const auto& message : messages) {
    for (const OutboxEntry& entry : message) lane_.OnConfirmed(entry.job);
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

TEST_F(DispatchLaneTest, ReadsADeepBacklogInOrderPieceByPiece) {
  const auto all = Range(1, 1000);
  Positions taken;
  int reads = 0;
  while (taken.size() < all.size()) {
    if (lane_.NextRead(now_).has_value()) {
      lane_.OnRead(std::nullopt, 0);  // As if the first try had failed.
      Read(all);
      ++reads;
    }
    const Positions next = Take();
    ASSERT_FALSE(next.empty());
    for (const int64_t position : next) Claimed(position);
    taken.insert(taken.end(), next.begin(), next.end());
    now_ += absl::Seconds(10);
  }
  EXPECT_EQ(taken, all);
  EXPECT_GE(reads, 3);
}

TEST_F(DispatchLaneTest, WidensTheWindowToFiveSecondsOfItsRate) {
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 100; ++i) lane_.OnLeft(Job(i), i, /*claimed=*/true, now_);
    now_ += absl::Seconds(1);
  }
  now_ -= absl::Seconds(1);
  EXPECT_EQ(lane_.Window(now_), 500u);
  now_ += absl::Seconds(3);
  EXPECT_EQ(lane_.Window(now_), 200u);
  for (int i = 0; i < 20'000; ++i) lane_.OnLeft(Job(i), i, /*claimed=*/true, now_);
  EXPECT_EQ(lane_.Window(now_), DispatchLane::kMaxWindow);
}

TEST_F(DispatchLaneTest, KeepsOrderWhenRowsComeWhileTheTableIsRead) {
  const auto request = lane_.NextRead(now_);
  lane_.OnQueued(Entry(2));
  lane_.OnQueued(Entry(3));
  lane_.OnRead(Entries({1, 2}), request->limit);  // Looked before 3 came.
  EXPECT_EQ(Take(), (Positions{1, 2}));
  Read({1, 2, 3});
  EXPECT_EQ(Take(), Positions{3});
}

TEST_F(DispatchLaneTest, SkipsJobsThatLeftWhileTheTableWasRead) {
  const auto request = lane_.NextRead(now_);
  lane_.OnLeft(Job(1), 1, /*claimed=*/false, now_);
  lane_.OnRead(Entries({1, 2}), request->limit);
  EXPECT_EQ(Take(), Positions{2});
}

TEST_F(DispatchLaneTest, LosesNoJobThatLeftAndCameBackWhileTheTableWasRead) {
  auto request = lane_.NextRead(now_);
  lane_.OnLeft(Job(1), 1, /*claimed=*/true, now_);
  lane_.OnQueued(Entry(1));                       // Handed back at once.
  lane_.OnRead(Entries({2, 3}), request->limit);  // Looked between the two.
  EXPECT_EQ(Take(), (Positions{1, 2, 3}));

  lane_.Restart();
  request = lane_.NextRead(now_);
  lane_.OnLeft(Job(1), 1, /*claimed=*/true, now_);
  lane_.OnQueued(Entry(1));
  lane_.OnRead(Entries({1, 2, 3}), request->limit);  // Looked before both.
  EXPECT_EQ(Take(), (Positions{1, 2, 3}));
}

TEST_F(DispatchLaneTest, ForgetsARowThatCameAndLeftWhileTheTableWasRead) {
  const auto request = lane_.NextRead(now_);
  lane_.OnQueued(Entry(1));
  lane_.OnLeft(Job(1), 1, /*claimed=*/false, now_);
  lane_.OnRead(Entries({2}), request->limit);
  EXPECT_EQ(Take(), Positions{2});
}

TEST_F(DispatchLaneTest, ReadsAgainWhenMoreCameThanItKeeps) {
  const auto request = lane_.NextRead(now_);
  const auto many = static_cast<int64_t>(DispatchLane::kMaxWindow) + 10;
  for (int64_t i = 1; i <= many; ++i) lane_.OnQueued(Entry(i));
  lane_.OnRead(Entries({}), request->limit);
  EXPECT_TRUE(Take().empty());
  Read(Range(1, many));
  EXPECT_EQ(Take(), Range(1, 200));
}

TEST_F(DispatchLaneTest, PutsAHandedBackJobBackAtItsOldPlace) {
  Read(Range(1, 300));
  Take();
  Claimed(5);
  Claimed(6);
  lane_.OnQueued(Entry(6));
  lane_.OnQueued(Entry(5));
  EXPECT_EQ(Take(), (Positions{5, 6}));
}

TEST_F(DispatchLaneTest, SendsAReturnedRowAgainAtOnceAtItsOldPlace) {
  Read(Range(1, 300));
  Take();
  lane_.OnReturned(Entry(3), /*no_handler=*/false, now_);
  EXPECT_EQ(Take(), Positions{3});
}

TEST_F(DispatchLaneTest, HoldsARowWithoutHandlerOneSecondDoublingToThirty) {
  Read({1});
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    ASSERT_EQ(Take(), Positions{1});
    lane_.OnReturned(Entry(1), /*no_handler=*/true, now_);
    now_ += absl::Seconds(seconds) - absl::Milliseconds(1);
    EXPECT_TRUE(Take().empty());
    now_ += absl::Milliseconds(1);
  }
  EXPECT_EQ(Take(), Positions{1});
}

TEST_F(DispatchLaneTest, BeginsTheHoldAnewForAJobThatFoundAHandler) {
  Read({1});
  for (int i = 0; i < 5; ++i) {
    Take();
    lane_.OnReturned(Entry(1), /*no_handler=*/true, now_);
    now_ += absl::Seconds(30);
  }
  Take();
  Claimed(1);
  lane_.OnQueued(Entry(1));
  Take();
  lane_.OnReturned(Entry(1), /*no_handler=*/true, now_);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Take(), Positions{1});
}

TEST_F(DispatchLaneTest, LetsOtherRowsPassTheHeldOnes) {
  Read({1, 2});
  Take();
  lane_.OnReturned(Entry(1), /*no_handler=*/true, now_);
  lane_.OnQueued(Entry(3));
  EXPECT_EQ(Take(), Positions{3});
}

TEST_F(DispatchLaneTest, HoldsABoundedNumberOfRows) {
  const auto many = static_cast<int64_t>(DispatchLane::kMaxWindow) + 500;
  const auto all = Range(1, many);
  size_t held = 0;
  for (int i = 0; i < 1000 && held < all.size(); ++i) {
    if (lane_.NextRead(now_).has_value()) {
      lane_.OnRead(std::nullopt, 0);
      Read(all);
    }
    const Positions taken = Take();
    if (taken.empty()) break;
    for (const int64_t position : taken) {
      lane_.OnReturned(Entry(position), /*no_handler=*/true, now_);
      ++held;
    }
  }
  EXPECT_GE(held, DispatchLane::kMaxWindow);
  EXPECT_LT(held, DispatchLane::kMaxWindow + DispatchLane::kMinWindow);
}

TEST_F(DispatchLaneTest, ForgetsACancelledJobWhereverItIs) {
  Read(Range(1, 201));
  Take();
  lane_.OnLeft(Job(201), 201, /*claimed=*/false, now_);  // Waiting here.
  lane_.OnLeft(Job(1), 1, /*claimed=*/false, now_);      // Out.
  lane_.OnReturned(Entry(2), /*no_handler=*/true, now_);
  lane_.OnLeft(Job(2), 2, /*claimed=*/false, now_);  // Held.
  now_ += absl::Minutes(1);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(lane_.out(), 198u);
}

TEST_F(DispatchLaneTest, SendsAnUndeliveredRowAgain) {
  Read({1, 2});
  Take();
  lane_.OnUndelivered(Job(1));
  lane_.OnUndelivered(Job(9));
  EXPECT_EQ(Take(), Positions{1});
}

TEST_F(DispatchLaneTest, SendsEverythingAgainAfterARestart) {
  Read({1, 2});
  Take();
  lane_.OnReturned(Entry(2), /*no_handler=*/true, now_);
  lane_.Restart();
  EXPECT_EQ(lane_.out(), 0u);
  Read({1, 2});
  EXPECT_EQ(Take(), (Positions{1, 2}));
}

TEST_F(DispatchLaneTest, MistrustsAReadThatBeganBeforeARestart) {
  const auto request = lane_.NextRead(now_);
  lane_.Restart();
  EXPECT_FALSE(lane_.NextRead(now_).has_value());  // One at a time.
  lane_.OnRead(Entries({1}), request->limit);
  EXPECT_TRUE(Take().empty());
  Read({1, 2});
  EXPECT_EQ(Take(), (Positions{1, 2}));
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
  lane_.OnQueued(Entry(11));
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

TEST_F(DispatchLaneTest, SendsARowAgainThatLaterOnesOvertookMinutesAgo) {
  LetOneBeOvertaken();
  now_ += absl::Minutes(4);
  EXPECT_EQ(lane_.RecallOvertaken(now_), 0u);
  now_ += absl::Minutes(1);
  EXPECT_EQ(lane_.RecallOvertaken(now_), 1u);
  EXPECT_EQ(Take(), Positions{2});
  EXPECT_EQ(lane_.out(), 3u);
  // It is the newest now: nothing has overtaken it.
  now_ += absl::Minutes(5);
  EXPECT_EQ(lane_.RecallOvertaken(now_), 0u);
}

TEST_F(DispatchLaneTest, TakesNothingForOvertakenBecauseARecalledRowComesAfterAll) {
  LetOneBeOvertaken();
  now_ += absl::Minutes(5);
  EXPECT_EQ(lane_.RecallOvertaken(now_), 1u);
  Take();
  Claimed(2);
  for (int look = 0; look < 3; ++look) {
    now_ += absl::Minutes(5);
    EXPECT_EQ(lane_.RecallOvertaken(now_), 0u);
  }
}

TEST_F(DispatchLaneTest, LeavesARowAloneWhoseTurnIsYetToCome) {
  Read({1, 2, 3});
  Take();
  Confirm({1, 2, 3});
  lane_.BeginInspection();
  Claimed(1);
  for (int minute = 0; minute < 60; ++minute) {
    EXPECT_EQ(lane_.RecallOvertaken(now_), 0u);
    now_ += absl::Minutes(1);
  }
}

}  // namespace
}  // namespace buzzer::state
