// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/watch_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace buzzer::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Recorder final : Watcher {
  void OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                const std::optional<absl::Status>& the_end) override {
    EXPECT_FALSE(end.has_value()) << "told after its end";
    for (const v1::JobEvent& event : events) revisions.push_back(event.revision());
    end = the_end;
  }
  std::vector<int64_t> revisions;
  std::optional<absl::Status> end;
};

class WatchTableTest : public ::testing::Test {
 protected:
  WatchTableTest() { table_.OnUp(); }

  int64_t Start(int64_t after = 0) { return table_.Start("default", kJob, after, watcher_); }

  // What state is told next: "start ID after REVISION" and "stop ID".
  std::vector<std::string> Next() {
    internal::v1::WatchRequest request;
    const bool any = table_.NextRequest(&request);
    std::vector<std::string> lines;
    for (const int64_t id : request.stop()) lines.push_back(absl::StrCat("stop ", id));
    for (const auto& start : request.start()) {
      EXPECT_EQ(start.job_id(), kJob.bytes());
      EXPECT_EQ(start.tenant(), "default");
      lines.push_back(absl::StrCat("start ", start.watch(), " after ", start.after_revision()));
    }
    EXPECT_EQ(any, !lines.empty());
    return lines;
  }

  // State tells; returns whether to try again later.
  bool Tell(int64_t watch, const std::vector<int64_t>& revisions,
            std::optional<absl::Status> end = std::nullopt) {
    internal::v1::WatchResponse response;
    auto* item = response.add_items();
    item->set_watch(watch);
    for (const int64_t revision : revisions) item->add_events()->set_revision(revision);
    if (end.has_value()) *item->mutable_end() = ToRpcStatus(*end);
    return table_.OnResponse(response);
  }

  const JobId kJob = JobId::Make(absl::FromUnixSeconds(1'800'000'000));
  std::shared_ptr<Recorder> watcher_ = std::make_shared<Recorder>();
  WatchTable table_;
};

TEST_F(WatchTableTest, TellsStateOnceOfEachWatch) {
  const int64_t id = Start(7);
  EXPECT_NE(id, 0);
  EXPECT_THAT(Next(), ElementsAre("start 1 after 7"));
  EXPECT_THAT(Next(), IsEmpty());
  table_.Stop(id);
  EXPECT_THAT(Next(), ElementsAre("stop 1"));
}

TEST_F(WatchTableTest, SaysNothingOfAWatchThatWasStoppedBeforeItBegan) {
  table_.Stop(Start());
  table_.Stop(12345);
  EXPECT_THAT(Next(), IsEmpty());
}

TEST_F(WatchTableTest, GoesOnFromTheLastRevisionToldAfterABreak) {
  Start();
  Next();
  Tell(1, {1, 2, 3});
  table_.OnDown();
  EXPECT_THAT(watcher_->revisions, ElementsAre(1, 2, 3));
  table_.OnUp();
  EXPECT_THAT(Next(), ElementsAre("start 1 after 3"));
}

TEST_F(WatchTableTest, KeepsWatchesThatBeganWhileTheLineWasDown) {
  table_.OnDown();
  Start(5);
  EXPECT_THAT(Next(), IsEmpty());
  table_.OnUp();
  EXPECT_THAT(Next(), ElementsAre("start 1 after 5"));
}

TEST_F(WatchTableTest, ForgetsStopsWhenTheStreamIsNew) {
  const int64_t id = Start();
  Next();
  table_.Stop(id);
  table_.OnDown();
  table_.OnUp();
  EXPECT_THAT(Next(), IsEmpty());
}

TEST_F(WatchTableTest, NeverTellsARevisionTwiceOrBackwards) {
  Start();
  Next();
  Tell(1, {1, 2});
  Tell(1, {2, 1, 3, 3, 5, 4});
  EXPECT_THAT(watcher_->revisions, ElementsAre(1, 2, 3, 5));
}

TEST_F(WatchTableTest, TakesTheSnapshotOfAJobThatIsBehindWhatTheWatcherNamed) {
  Start(100);
  Next();
  Tell(1, {4});
  EXPECT_THAT(watcher_->revisions, ElementsAre(4));
  table_.OnDown();
  table_.OnUp();
  EXPECT_THAT(Next(), ElementsAre("start 1 after 4"));
}

TEST_F(WatchTableTest, EndsAWatchWithItsLastEvent) {
  Start();
  Next();
  EXPECT_FALSE(Tell(1, {1}, absl::OkStatus()));
  EXPECT_THAT(watcher_->revisions, ElementsAre(1));
  ASSERT_TRUE(watcher_->end.has_value());
  EXPECT_TRUE(watcher_->end->ok());
  EXPECT_EQ(table_.size(), 0u);
  Tell(1, {2});
  EXPECT_EQ(watcher_.use_count(), 1);
}

TEST_F(WatchTableTest, PassesOnWhyStateEndsAWatch) {
  Start();
  Next();
  Tell(1, {}, ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "no").Build());
  ASSERT_TRUE(watcher_->end.has_value());
  EXPECT_EQ(ErrorReason(*watcher_->end), "JOB_NOT_FOUND");
}

TEST_F(WatchTableTest, TriesAgainWhatAStateThatComesOrGoesEnds) {
  Start();
  Next();
  EXPECT_TRUE(Tell(1, {3}, absl::UnavailableError("shutting down")));
  EXPECT_FALSE(watcher_->end.has_value());
  EXPECT_THAT(Next(), IsEmpty());
  table_.Retry();
  EXPECT_THAT(Next(), ElementsAre("start 1 after 3"));
}

TEST_F(WatchTableTest, TriesAgainOnceHoweverOftenStateEndsTheSameWatch) {
  Start();
  Next();
  EXPECT_TRUE(Tell(1, {}, absl::UnavailableError("again")));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(Tell(1, {}, absl::UnavailableError("again")));
  table_.Retry();
  EXPECT_THAT(Next(), ElementsAre("start 1 after 0"));
  EXPECT_TRUE(Tell(1, {}, absl::UnavailableError("again")));
}

TEST_F(WatchTableTest, TellsNoRevisionThatFalls) {
  Start();
  Next();
  Tell(1, {5, 3, 5, -1, 0, 7, 6});
  Tell(1, {7, 2});
  EXPECT_THAT(watcher_->revisions, ElementsAre(5, 7));
}

TEST_F(WatchTableTest, TellsStateOfManyWatchesInSeveralMessages) {
  for (int i = 0; i < 2500; ++i) Start();
  EXPECT_EQ(Next().size(), 1000u);
  EXPECT_EQ(Next().size(), 1000u);
  EXPECT_EQ(Next().size(), 500u);
  EXPECT_EQ(Next().size(), 0u);
}

TEST_F(WatchTableTest, PassesOverUnknownWatches) {
  EXPECT_FALSE(Tell(99, {1}, absl::OkStatus()));
  EXPECT_THAT(watcher_->revisions, IsEmpty());
}

}  // namespace
}  // namespace buzzer::frontend
