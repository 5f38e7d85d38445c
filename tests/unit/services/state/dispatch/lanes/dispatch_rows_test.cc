// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lanes/dispatch_rows.h"

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

// Rows of a type whose clock and table the test holds. The job at position n is Job(n).
class DispatchRowsTest : public ::testing::Test {
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
    order_.BeginBatch();
    for (const auto& message : rows_.TakeReady(now_)) {
      for (const OutboxEntry& entry : message) positions.push_back(entry.position);
    }
    return positions;
  }
  // Reads an outbox that holds `positions` now.
  void Read(const Positions& positions) {
    const auto request = rows_.NextRead(now_);
    ASSERT_TRUE(request.has_value());
    Positions found;
    for (const int64_t position : positions) {
      if (position > request->after && static_cast<int>(found.size()) < request->limit) {
        found.push_back(position);
      }
    }
    rows_.OnRead(Entries(found), request->limit);
  }
  void ReadAll() { Read({}); }
  void Claimed(int64_t position) { rows_.OnLeft(Job(position), position, true, now_); }
  void Confirm(const Positions& positions) {
    for (const int64_t position : positions) rows_.OnConfirmed(Job(position));
  }
  // Five rows are out, and the second is still when the first and the third have been claimed.
  void LetOneBeOvertaken() {
    Read({1, 2});
    Take();
    for (const int64_t later : {3, 4, 5}) rows_.OnQueued(Entry(later));
    Take();
    Confirm({1, 2, 3, 4, 5});
    rows_.BeginInspection();
    Claimed(1);
    Claimed(3);
    EXPECT_EQ(RecallOvertaken(), 0u);
  }
  // Of ten thousand rows, 500 or so a second in the last 5 s.
  void ClaimQuickly() {
    rows_.SetWorkers(1, std::nullopt);
    const auto all = Range(1, 10'000);
    for (size_t claimed = 0; claimed < 2500;) {
      if (rows_.NextRead(now_).has_value()) {
        rows_.OnRead(std::nullopt, 0);
        Read(all);
      }
      const Positions taken = Take();
      ASSERT_FALSE(taken.empty());
      for (const int64_t position : taken) Claimed(position);
      claimed += taken.size();
      now_ += DispatchRows::kMessageInterval;
    }
    if (rows_.NextRead(now_).has_value()) {
      rows_.OnRead(std::nullopt, 0);
      Read(all);
    }
  }

  size_t RecallOvertaken() {
    const auto batch = order_.TakeOvertaken(now_);
    return batch.has_value() ? rows_.RecallOvertaken(*batch) : 0;
  }

  DispatchOrder order_;
  DispatchRows rows_{"demo.echo", &order_, /*is_read=*/false};
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(DispatchRowsTest, ReadsTheTableFirst) {
  Read({1, 2, 3});
  EXPECT_EQ(Take(), (Positions{1, 2, 3}));
  EXPECT_EQ(rows_.out(), 3u);
  EXPECT_FALSE(rows_.NextRead(now_).has_value());
}

TEST_F(DispatchRowsTest, TakesNewRowsStraightFromMemoryOnceTheTableIsRead) {
  ReadAll();
  rows_.OnQueued(Entry(7));
  EXPECT_EQ(Take(), Positions{7});
  EXPECT_FALSE(rows_.NextRead(now_).has_value());
}

TEST_F(DispatchRowsTest, HasNoMoreThanAWindowOut) {
  const auto all = Range(1, 1000);
  Read(all);
  EXPECT_EQ(Take(), Range(1, 200));
  EXPECT_TRUE(Take().empty());
  Claimed(1);
  EXPECT_EQ(Take(), Positions{201});
}

TEST_F(DispatchRowsTest, SendsOneJobAMessageWhereJobsAreFewOrLong) {
  Read(Range(1, 60));
  EXPECT_THAT(rows_.TakeReady(now_), SizeIs(60));
}

TEST_F(DispatchRowsTest, SendsWhatItGetsThroughIn20MsTogether) {
  ClaimQuickly();
  const auto messages = rows_.TakeReady(now_);
  ASSERT_THAT(messages, SizeIs(Ge(10)));
  EXPECT_THAT(messages.front(), SizeIs(AllOf(Ge(10), Le(16))));
  now_ += absl::Seconds(5);
  for (const auto& message : messages) {
    for (const OutboxEntry& entry : message) rows_.OnUndelivered(entry.job);
  }
  EXPECT_THAT(rows_.TakeReady(now_).front(), SizeIs(1));
}

TEST_F(DispatchRowsTest, SendsEachOfSeveralWorkersItsShare) {
  ClaimQuickly();
  rows_.SetWorkers(5, std::nullopt);
  EXPECT_THAT(rows_.TakeReady(now_).front(), SizeIs(AllOf(Ge(2), Le(3))));
}

TEST_F(DispatchRowsTest, LetsFewWaitForCompanyInABusyLane) {
  ClaimQuickly();
  const auto messages = rows_.TakeReady(now_);
  // A window is out: what can go is what claims make room for.
  for (int i = 0; i < 3; ++i) Claimed(messages.front()[static_cast<size_t>(i)].position);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(rows_.held_back_until(), now_ + DispatchRows::kMessageInterval);
  now_ += DispatchRows::kMessageInterval;
  // The claims made the window larger as well.
  EXPECT_THAT(rows_.TakeReady(now_), ElementsAre(SizeIs(6)));
  EXPECT_EQ(rows_.held_back_until(), std::nullopt);
}

TEST_F(DispatchRowsTest, SendsAFullMessageAtOnce) {
  ClaimQuickly();
  const auto messages = rows_.TakeReady(now_);
  for (size_t i = 0; i < 2; ++i) {
    for (const OutboxEntry& entry : messages[i]) Claimed(entry.position);
  }
  EXPECT_FALSE(Take().empty());
}

TEST_F(DispatchRowsTest, SendsEachJobAtOnceWhereJobsAreFewOrLong) {
  rows_.SetWorkers(1, std::nullopt);
  ReadAll();
  for (int64_t position = 1; position <= 50; ++position) {
    rows_.OnQueued(Entry(position));
    EXPECT_EQ(Take(), Positions{position});
    Claimed(position);
  }
}

TEST_F(DispatchRowsTest, ReadsADeepBacklogInOrderPieceByPiece) {
  const auto all = Range(1, 1000);
  Positions taken;
  int reads = 0;
  while (taken.size() < all.size()) {
    if (rows_.NextRead(now_).has_value()) {
      rows_.OnRead(std::nullopt, 0);  // As if the first try had failed.
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

TEST_F(DispatchRowsTest, WidensTheWindowToFiveSecondsOfItsRate) {
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 100; ++i) rows_.OnLeft(Job(i), i, /*claimed=*/true, now_);
    now_ += absl::Seconds(1);
  }
  now_ -= absl::Seconds(1);
  EXPECT_EQ(rows_.Window(now_), 500u);
  now_ += absl::Seconds(3);
  EXPECT_EQ(rows_.Window(now_), 200u);
  for (int i = 0; i < 20'000; ++i) rows_.OnLeft(Job(i), i, /*claimed=*/true, now_);
  EXPECT_EQ(rows_.Window(now_), DispatchRows::kMaxWindow);
}

TEST_F(DispatchRowsTest, KeepsOrderWhenRowsComeWhileTheTableIsRead) {
  const auto request = rows_.NextRead(now_);
  rows_.OnQueued(Entry(2));
  rows_.OnQueued(Entry(3));
  rows_.OnRead(Entries({1, 2}), request->limit);  // Looked before 3 came.
  EXPECT_EQ(Take(), (Positions{1, 2}));
  Read({1, 2, 3});
  EXPECT_EQ(Take(), Positions{3});
}

TEST_F(DispatchRowsTest, SkipsJobsThatLeftWhileTheTableWasRead) {
  const auto request = rows_.NextRead(now_);
  rows_.OnLeft(Job(1), 1, /*claimed=*/false, now_);
  rows_.OnRead(Entries({1, 2}), request->limit);
  EXPECT_EQ(Take(), Positions{2});
}

TEST_F(DispatchRowsTest, LosesNoJobThatLeftAndCameBackWhileTheTableWasRead) {
  auto request = rows_.NextRead(now_);
  rows_.OnLeft(Job(1), 1, /*claimed=*/true, now_);
  rows_.OnQueued(Entry(1));                       // Handed back at once.
  rows_.OnRead(Entries({2, 3}), request->limit);  // Looked between the two.
  EXPECT_EQ(Take(), (Positions{1, 2, 3}));

  rows_.Restart();
  request = rows_.NextRead(now_);
  rows_.OnLeft(Job(1), 1, /*claimed=*/true, now_);
  rows_.OnQueued(Entry(1));
  rows_.OnRead(Entries({1, 2, 3}), request->limit);  // Looked before both.
  EXPECT_EQ(Take(), (Positions{1, 2, 3}));
}

TEST_F(DispatchRowsTest, ForgetsARowThatCameAndLeftWhileTheTableWasRead) {
  const auto request = rows_.NextRead(now_);
  rows_.OnQueued(Entry(1));
  rows_.OnLeft(Job(1), 1, /*claimed=*/false, now_);
  rows_.OnRead(Entries({2}), request->limit);
  EXPECT_EQ(Take(), Positions{2});
}

TEST_F(DispatchRowsTest, ReadsAgainWhenMoreCameThanItKeeps) {
  const auto request = rows_.NextRead(now_);
  const auto many = static_cast<int64_t>(DispatchRows::kMaxWindow) + 10;
  for (int64_t i = 1; i <= many; ++i) rows_.OnQueued(Entry(i));
  rows_.OnRead(Entries({}), request->limit);
  EXPECT_TRUE(Take().empty());
  Read(Range(1, many));
  EXPECT_EQ(Take(), Range(1, 200));
}

TEST_F(DispatchRowsTest, PutsAHandedBackJobBackAtItsOldPlace) {
  Read(Range(1, 300));
  Take();
  Claimed(5);
  Claimed(6);
  rows_.OnQueued(Entry(6));
  rows_.OnQueued(Entry(5));
  EXPECT_EQ(Take(), (Positions{5, 6}));
}

TEST_F(DispatchRowsTest, SendsAReturnedRowAgainAtOnceAtItsOldPlace) {
  Read(Range(1, 300));
  Take();
  rows_.OnReturned(Entry(3), /*no_handler=*/false, now_);
  EXPECT_EQ(Take(), Positions{3});
}

TEST_F(DispatchRowsTest, HoldsARowWithoutHandlerOneSecondDoublingToThirty) {
  Read({1});
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    ASSERT_EQ(Take(), Positions{1});
    rows_.OnReturned(Entry(1), /*no_handler=*/true, now_);
    now_ += absl::Seconds(seconds) - absl::Milliseconds(1);
    EXPECT_TRUE(Take().empty());
    now_ += absl::Milliseconds(1);
  }
  EXPECT_EQ(Take(), Positions{1});
}

TEST_F(DispatchRowsTest, BeginsTheHoldAnewForAJobThatFoundAHandler) {
  Read({1});
  for (int i = 0; i < 5; ++i) {
    Take();
    rows_.OnReturned(Entry(1), /*no_handler=*/true, now_);
    now_ += absl::Seconds(30);
  }
  Take();
  Claimed(1);
  rows_.OnQueued(Entry(1));
  Take();
  rows_.OnReturned(Entry(1), /*no_handler=*/true, now_);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Take(), Positions{1});
}

TEST_F(DispatchRowsTest, LetsOtherRowsPassTheHeldOnes) {
  Read({1, 2});
  Take();
  rows_.OnReturned(Entry(1), /*no_handler=*/true, now_);
  rows_.OnQueued(Entry(3));
  EXPECT_EQ(Take(), Positions{3});
}

TEST_F(DispatchRowsTest, HoldsABoundedNumberOfRows) {
  const auto many = static_cast<int64_t>(DispatchRows::kMaxWindow) + 500;
  const auto all = Range(1, many);
  size_t held = 0;
  for (int i = 0; i < 1000 && held < all.size(); ++i) {
    if (rows_.NextRead(now_).has_value()) {
      rows_.OnRead(std::nullopt, 0);
      Read(all);
    }
    const Positions taken = Take();
    if (taken.empty()) break;
    for (const int64_t position : taken) {
      rows_.OnReturned(Entry(position), /*no_handler=*/true, now_);
      ++held;
    }
  }
  EXPECT_GE(held, DispatchRows::kMaxWindow);
  EXPECT_LT(held, DispatchRows::kMaxWindow + DispatchRows::kMinWindow);
}

TEST_F(DispatchRowsTest, ForgetsACancelledJobWhereverItIs) {
  Read(Range(1, 201));
  Take();
  rows_.OnLeft(Job(201), 201, /*claimed=*/false, now_);  // Waiting here.
  rows_.OnLeft(Job(1), 1, /*claimed=*/false, now_);      // Out.
  rows_.OnReturned(Entry(2), /*no_handler=*/true, now_);
  rows_.OnLeft(Job(2), 2, /*claimed=*/false, now_);  // Held.
  now_ += absl::Minutes(1);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(rows_.out(), 198u);
}

TEST_F(DispatchRowsTest, SendsAnUndeliveredRowAgain) {
  Read({1, 2});
  Take();
  rows_.OnUndelivered(Job(1));
  rows_.OnUndelivered(Job(9));
  EXPECT_EQ(Take(), Positions{1});
}

TEST_F(DispatchRowsTest, SendsEverythingAgainAfterARestart) {
  Read({1, 2});
  Take();
  rows_.OnReturned(Entry(2), /*no_handler=*/true, now_);
  rows_.Restart();
  EXPECT_EQ(rows_.out(), 0u);
  Read({1, 2});
  EXPECT_EQ(Take(), (Positions{1, 2}));
}

TEST_F(DispatchRowsTest, MistrustsAReadThatBeganBeforeARestart) {
  const auto request = rows_.NextRead(now_);
  rows_.Restart();
  EXPECT_FALSE(rows_.NextRead(now_).has_value());  // One at a time.
  rows_.OnRead(Entries({1}), request->limit);
  EXPECT_TRUE(Take().empty());
  Read({1, 2});
  EXPECT_EQ(Take(), (Positions{1, 2}));
}

TEST_F(DispatchRowsTest, SendsARowAgainThatLaterOnesOvertookMinutesAgo) {
  LetOneBeOvertaken();
  now_ += absl::Minutes(4);
  EXPECT_EQ(RecallOvertaken(), 0u);
  now_ += absl::Minutes(1);
  EXPECT_EQ(RecallOvertaken(), 1u);
  EXPECT_EQ(Take(), Positions{2});
  EXPECT_EQ(rows_.out(), 3u);
  // It is the newest now: nothing has overtaken it.
  now_ += absl::Minutes(5);
  EXPECT_EQ(RecallOvertaken(), 0u);
}

TEST_F(DispatchRowsTest, TakesNothingForOvertakenBecauseARecalledRowComesAfterAll) {
  LetOneBeOvertaken();
  now_ += absl::Minutes(5);
  EXPECT_EQ(RecallOvertaken(), 1u);
  Take();
  Claimed(2);
  for (int look = 0; look < 3; ++look) {
    now_ += absl::Minutes(5);
    EXPECT_EQ(RecallOvertaken(), 0u);
  }
}

TEST_F(DispatchRowsTest, LeavesARowAloneWhoseTurnIsYetToCome) {
  Read({1, 2, 3});
  Take();
  Confirm({1, 2, 3});
  rows_.BeginInspection();
  Claimed(1);
  for (int minute = 0; minute < 60; ++minute) {
    EXPECT_EQ(RecallOvertaken(), 0u);
    now_ += absl::Minutes(1);
  }
}

}  // namespace
}  // namespace buzzer::state
