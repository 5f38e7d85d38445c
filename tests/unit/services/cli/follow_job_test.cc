// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/follow_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "services/cli/watch_call.h"
#include "tests/fakes/fake_job_service.h"

namespace buzzer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::JobEvent Event(int64_t revision, v1::Job::State state) {
  v1::JobEvent event;
  event.set_revision(revision);
  event.set_state(state);
  return event;
}

class RecordingView final : public WatchView {
 public:
  void Show(const v1::JobEvent& event, const v1::Job&) override {
    shown.push_back(event.revision());
    if (on_show) on_show();
  }
  void ShowWait(const v1::Job& job) override {
    waits.push_back(job.wait_reason());
    if (on_wait) on_wait();
  }
  void Tick(const v1::Job&) override {}
  void Note(absl::string_view text) override { notes.emplace_back(text); }
  void End(const v1::Job& job) override { end = job.state(); }

  std::function<void()> on_show;
  std::function<void()> on_wait;
  std::vector<int64_t> shown;
  std::vector<v1::Job::WaitReason> waits;
  std::vector<std::string> notes;
  v1::Job::State end = v1::Job::STATE_UNSPECIFIED;
};

class FollowJobTest : public ::testing::Test {
 protected:
  FollowJobTest()
      : stub_(v1::JobService::NewStub(
            grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials()))) {
    options_.retry_initial = absl::Milliseconds(1);
    options_.retry_max = absl::Milliseconds(1);
  }

  absl::StatusOr<v1::Job::State> Follow() {
    return FollowJob(stub_.get(), "jobs/1", options_, &interrupt_, &view_);
  }

  buzzer::testing::FakeJobService server_;
  std::unique_ptr<v1::JobService::StubInterface> stub_;
  FollowOptions options_;
  Interrupt interrupt_;
  RecordingView view_;
};

TEST_F(FollowJobTest, EndsWithTheJob) {
  server_.AddWatch(
      {{Event(1, v1::Job::QUEUED), Event(2, v1::Job::RUNNING), Event(3, v1::Job::SUCCEEDED)},
       absl::OkStatus()});
  const auto end = Follow();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, v1::Job::SUCCEEDED);
  EXPECT_EQ(view_.end, v1::Job::SUCCEEDED);
  EXPECT_THAT(view_.shown, ElementsAre(1, 2, 3));
}

TEST_F(FollowJobTest, GoesOnAfterTheLastRevisionWhenTheStreamBreaks) {
  server_.AddWatch({{Event(1, v1::Job::QUEUED), Event(2, v1::Job::RUNNING)},
                    absl::UnavailableError("shutting down")});
  server_.AddWatch({{}, absl::UnavailableError("not yet")});
  // A server that tells again what was seen does not make it shown again.
  server_.AddWatch({{Event(2, v1::Job::RUNNING), Event(5, v1::Job::FAILED)}, absl::OkStatus()});
  const auto end = Follow();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, v1::Job::FAILED);
  EXPECT_THAT(server_.watched_after(), ElementsAre(0, 2, 2));
  EXPECT_THAT(view_.shown, ElementsAre(1, 2, 5));
  EXPECT_THAT(view_.notes, ElementsAre(HasSubstr("out of reach")));
}

TEST_F(FollowJobTest, StartsAfterTheRevisionThatTheUserNames) {
  options_.after_revision = 7;
  server_.AddWatch({{Event(8, v1::Job::CANCELLED)}, absl::OkStatus()});
  EXPECT_EQ(*Follow(), v1::Job::CANCELLED);
  EXPECT_THAT(server_.watched_after(), ElementsAre(7));
}

TEST_F(FollowJobTest, AsksHowAJobEndedWhoseEndWasSeenBefore) {
  options_.after_revision = 7;
  server_.AddWatch({{}, absl::OkStatus()});
  server_.AddWatch({{Event(7, v1::Job::SUCCEEDED)}, absl::OkStatus()});
  EXPECT_EQ(*Follow(), v1::Job::SUCCEEDED);
  EXPECT_THAT(server_.watched_after(), ElementsAre(7, 0));
}

TEST_F(FollowJobTest, DoesNotRepeatWhatIsNoOutage) {
  server_.AddWatch({{}, absl::NotFoundError("no such job")});
  EXPECT_TRUE(absl::IsNotFound(Follow().status()));
  EXPECT_THAT(server_.watched_after(), ElementsAre(0));
}

TEST_F(FollowJobTest, GivesUpAServerThatWasNeverThere) {
  server_.AddWatch({{}, absl::UnavailableError("down")});
  EXPECT_TRUE(absl::IsUnavailable(Follow().status()));
  EXPECT_THAT(server_.watched_after(), ElementsAre(0));
}

TEST_F(FollowJobTest, GivesUpAfterItsPatience) {
  options_.patience = absl::ZeroDuration();
  server_.AddWatch({{Event(1, v1::Job::QUEUED)}, absl::UnavailableError("down")});
  server_.AddWatch({{}, absl::UnavailableError("still down")});
  const auto end = Follow();
  EXPECT_TRUE(absl::IsUnavailable(end.status()));
}

TEST_F(FollowJobTest, LeavesWhenInterrupted) {
  server_.AddWatch({{Event(1, v1::Job::RUNNING)}, absl::OkStatus(), /*stays_open=*/true});
  view_.on_show = [this] { interrupt_.Raise(); };
  EXPECT_TRUE(absl::IsCancelled(Follow().status()));
  server_.AwaitLeft();
  EXPECT_EQ(view_.end, v1::Job::STATE_UNSPECIFIED);
}

TEST_F(FollowJobTest, DoesNotConnectAgainWhenInterruptedBefore) {
  interrupt_.Raise();
  server_.AddWatch({{}, absl::OkStatus(), /*stays_open=*/true});
  EXPECT_TRUE(absl::IsCancelled(Follow().status()));
}

TEST_F(FollowJobTest, LeavesWhenItsTimeIsUp) {
  options_.timeout = absl::Milliseconds(20);
  server_.AddWatch({{Event(1, v1::Job::RUNNING)}, absl::OkStatus(), /*stays_open=*/true});
  EXPECT_TRUE(absl::IsDeadlineExceeded(Follow().status()));
  server_.AwaitLeft();
}

v1::Job Waiting(int64_t revision, v1::Job::WaitReason reason) {
  v1::Job job;
  job.set_revision(revision);
  job.set_state(v1::Job::QUEUED);
  job.set_wait_reason(reason);
  return job;
}

TEST_F(FollowJobTest, ShowsThatTheWorkersOfAWaitingJobGoAndComeBack) {
  options_.look_interval = absl::Milliseconds(1);
  server_.AddWatch({{Event(1, v1::Job::QUEUED)}, absl::OkStatus(), /*stays_open=*/true});
  std::atomic<int> looks = 0;
  server_.on_get = [&looks](const v1::GetJobRequest& request, v1::Job* job) {
    EXPECT_EQ(request.name(), "jobs/1");
    const int look = ++looks;
    const bool gone = look == 2 || look == 3;
    *job = Waiting(1, gone ? v1::Job::NO_WORKER : v1::Job::WAIT_REASON_UNSPECIFIED);
    return absl::OkStatus();
  };
  view_.on_wait = [this] {
    if (view_.waits.size() == 2) interrupt_.Raise();
  };
  EXPECT_TRUE(absl::IsCancelled(Follow().status()));
  EXPECT_THAT(view_.waits, ElementsAre(v1::Job::NO_WORKER, v1::Job::WAIT_REASON_UNSPECIFIED));
}

TEST_F(FollowJobTest, ShowsNothingOfALookThatFailsOrSeesAnotherRevision) {
  options_.look_interval = absl::Milliseconds(1);
  server_.AddWatch({{Event(4, v1::Job::SCHEDULED)}, absl::OkStatus(), /*stays_open=*/true});
  std::atomic<int> looks = 0;
  server_.on_get = [&looks](const v1::GetJobRequest&, v1::Job* job) {
    const int look = ++looks;
    if (look == 1) return absl::UnavailableError("busy");
    if (look == 2) *job = Waiting(3, v1::Job::NO_WORKER);
    if (look == 3) *job = Waiting(5, v1::Job::NO_WORKER);
    if (look > 3) *job = Waiting(4, v1::Job::QUEUE_PAUSED);
    return absl::OkStatus();
  };
  view_.on_wait = [this] { interrupt_.Raise(); };
  EXPECT_TRUE(absl::IsCancelled(Follow().status()));
  EXPECT_THAT(view_.waits, ElementsAre(v1::Job::QUEUE_PAUSED));
}

TEST_F(FollowJobTest, LooksAtNoJobThatRuns) {
  options_.look_interval = absl::Milliseconds(1);
  options_.timeout = absl::Milliseconds(50);
  server_.AddWatch({{Event(1, v1::Job::RUNNING)}, absl::OkStatus(), /*stays_open=*/true});
  std::atomic<int> looks = 0;
  server_.on_get = [&looks](const v1::GetJobRequest&, v1::Job*) {
    ++looks;
    return absl::OkStatus();
  };
  EXPECT_TRUE(absl::IsDeadlineExceeded(Follow().status()));
  EXPECT_EQ(looks, 0);
}

TEST_F(FollowJobTest, LeavesALookWhenInterrupted) {
  options_.look_interval = absl::Milliseconds(1);
  server_.AddWatch({{Event(1, v1::Job::QUEUED)}, absl::OkStatus(), /*stays_open=*/true});
  server_.on_get = [this](const v1::GetJobRequest&, v1::Job* job) {
    interrupt_.Raise();
    *job = Waiting(1, v1::Job::NO_WORKER);
    return absl::OkStatus();
  };
  EXPECT_TRUE(absl::IsCancelled(Follow().status()));
  EXPECT_THAT(view_.waits, ElementsAre()) << "the answer came after the user had left";
  server_.AwaitLeft();
}

TEST_F(FollowJobTest, ReadsMoreEventsThanFitIntoAWindow) {
  std::vector<v1::JobEvent> events;
  std::vector<int64_t> revisions;
  for (int revision = 1; revision <= 2000; ++revision) {
    events.push_back(Event(revision, v1::Job::RUNNING));
    events.back().mutable_progress()->set_message(std::string(1000, 'x'));
    revisions.push_back(revision);
  }
  events.push_back(Event(2001, v1::Job::SUCCEEDED));
  revisions.push_back(2001);
  server_.AddWatch({std::move(events), absl::OkStatus()});
  EXPECT_EQ(*Follow(), v1::Job::SUCCEEDED);
  EXPECT_EQ(view_.shown, revisions);
}

TEST_F(FollowJobTest, AWatchCallMayGoWithAnEventUntaken) {
  server_.AddWatch({{Event(1, v1::Job::RUNNING), Event(2, v1::Job::RUNNING)},
                    absl::OkStatus(),
                    /*stays_open=*/true});
  {
    WatchCall call(stub_.get(), "jobs/1", 0);
    EXPECT_EQ(call.Take(absl::Minutes(1))->revision(), 1);
  }
  server_.AwaitLeft();
}

TEST(Interrupt, WakesWhoWaits) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.WaitFor(absl::Milliseconds(1)));
  std::thread raiser([&interrupt] { interrupt.Raise(); });
  EXPECT_TRUE(interrupt.WaitFor(absl::Minutes(1)));
  raiser.join();
  EXPECT_TRUE(interrupt.raised());
}

TEST(Interrupt, RunsItsActionOnce) {
  Interrupt interrupt;
  int runs = 0;
  interrupt.SetAction([&runs] { ++runs; });
  interrupt.Raise();
  interrupt.Raise();
  EXPECT_EQ(runs, 1);
  interrupt.SetAction(nullptr);
  interrupt.SetAction([&runs] { ++runs; });
  EXPECT_EQ(runs, 2) << "an action that comes late runs at once";
}

}  // namespace
}  // namespace buzzer::cli
