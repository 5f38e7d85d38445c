// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/watch_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "services/cli/job_tracker.h"

namespace buzzer::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

v1::JobEvent Event(int64_t revision, v1::Job::State state, int attempt = 0) {
  v1::JobEvent event;
  event.set_revision(revision);
  event.set_state(state);
  event.set_attempt(attempt);
  event.mutable_time()->set_seconds(1'700'000'000 + revision);
  return event;
}

v1::JobEvent ProgressEvent(int64_t revision, double fraction, const std::string& message) {
  auto event = Event(revision, v1::Job::RUNNING, 1);
  event.mutable_progress()->set_fraction(fraction);
  event.mutable_progress()->set_message(message);
  return event;
}

v1::JobEvent EndEvent(int64_t revision) {
  auto event = Event(revision, v1::Job::SUCCEEDED, 1);
  event.mutable_job()->set_state(v1::Job::SUCCEEDED);
  *event.mutable_job()->mutable_update_time() = event.time();
  return event;
}

TEST(JobTracker, FoldsEventsIntoTheJob) {
  JobTracker tracker(0);
  auto snapshot = Event(3, v1::Job::QUEUED);
  snapshot.mutable_job()->set_type("demo.sleep");
  snapshot.mutable_job()->set_state(v1::Job::QUEUED);
  EXPECT_TRUE(tracker.Apply(snapshot));
  auto claimed = Event(4, v1::Job::RUNNING, 1);
  claimed.set_cause("CLAIMED");
  EXPECT_TRUE(tracker.Apply(claimed));
  EXPECT_TRUE(tracker.Apply(ProgressEvent(6, 0.5, "half")));
  EXPECT_EQ(tracker.job().type(), "demo.sleep");
  EXPECT_EQ(tracker.job().state(), v1::Job::RUNNING);
  EXPECT_EQ(tracker.job().attempt(), 1);
  EXPECT_EQ(tracker.job().start_time().seconds(), claimed.time().seconds());
  EXPECT_EQ(tracker.job().progress().fraction(), 0.5);
  EXPECT_EQ(tracker.revision(), 6);
  EXPECT_FALSE(tracker.ended());
}

TEST(JobTracker, IgnoresWhatItHasSeen) {
  JobTracker tracker(5);
  EXPECT_FALSE(tracker.Apply(Event(5, v1::Job::RUNNING, 1)));
  EXPECT_FALSE(tracker.Apply(Event(4, v1::Job::FAILED, 1)));
  EXPECT_EQ(tracker.revision(), 5);
  EXPECT_FALSE(tracker.ended());
}

TEST(JobTracker, DropsTheProgressOfAnEarlierAttempt) {
  JobTracker tracker(0);
  tracker.Apply(ProgressEvent(1, 0.9, "nearly"));
  tracker.Apply(Event(2, v1::Job::RUNNING, 2));
  EXPECT_FALSE(tracker.job().has_progress());
}

TEST(JobTracker, ForgetsAnErrorWhenTheNextAttemptRuns) {
  JobTracker tracker(0);
  auto failed = Event(1, v1::Job::SCHEDULED, 1);
  failed.mutable_error()->set_reason("PROGRAM_FAILED");
  tracker.Apply(failed);
  EXPECT_TRUE(tracker.job().has_error());
  tracker.Apply(Event(2, v1::Job::RUNNING, 2));
  EXPECT_FALSE(tracker.job().has_error());
}

TEST(JobTracker, ForgetsWhatTheJobWaitedForWhenItGoesOn) {
  JobTracker tracker(0);
  auto snapshot = Event(1, v1::Job::QUEUED);
  snapshot.mutable_job()->set_wait_reason(v1::Job::NO_WORKER);
  tracker.Apply(snapshot);
  EXPECT_EQ(tracker.job().wait_reason(), v1::Job::NO_WORKER);
  tracker.Apply(Event(2, v1::Job::RUNNING, 1));
  EXPECT_EQ(tracker.job().wait_reason(), v1::Job::WAIT_REASON_UNSPECIFIED);
}

TEST(JobTracker, TakesALookAtTheRevisionThatItKnows) {
  JobTracker tracker(0);
  tracker.Apply(Event(2, v1::Job::QUEUED));
  v1::Job job;
  job.set_type("demo.sleep");
  job.set_state(v1::Job::QUEUED);
  job.set_wait_reason(v1::Job::NO_WORKER);
  for (const int64_t other : {1, 3}) {
    job.set_revision(other);
    EXPECT_FALSE(tracker.Look(job)) << other;
  }
  job.set_revision(2);
  EXPECT_TRUE(tracker.Look(job));
  EXPECT_FALSE(tracker.Look(job)) << "it is known now";
  EXPECT_EQ(tracker.job().wait_reason(), v1::Job::NO_WORKER);
  EXPECT_EQ(tracker.job().type(), "demo.sleep") << "which the wait is told with";
  EXPECT_EQ(tracker.revision(), 2);
}

TEST(JobTracker, SeesEveryEnd) {
  for (const auto state : {v1::Job::SUCCEEDED, v1::Job::FAILED, v1::Job::CANCELLED}) {
    JobTracker tracker(0);
    tracker.Apply(Event(1, state, 1));
    EXPECT_TRUE(tracker.ended());
  }
}

class Views : public ::testing::Test {
 protected:
  void Play(WatchView* view, const std::vector<v1::JobEvent>& events) {
    JobTracker tracker(0);
    for (const auto& event : events) {
      tracker.Apply(event);
      view->Show(event, tracker.job());
    }
    if (tracker.ended()) view->End(tracker.job());
  }

  std::unique_ptr<WatchView> Bar(int columns) {
    return MakeBarView(
        out_, err_, [columns] { return columns; }, [] { return absl::UnixEpoch(); });
  }

  std::unique_ptr<WatchView> Lines() {
    return MakeLineView(out_, err_, absl::UTCTimeZone(), [] { return absl::UnixEpoch(); });
  }

  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Views, LineViewTellsOneLineAnEvent) {
  const auto view = Lines();
  auto failed = Event(4, v1::Job::SCHEDULED, 1);
  failed.mutable_error()->set_reason("PROGRAM_FAILED");
  failed.mutable_error()->set_message("exit code 75");
  Play(view.get(), {Event(1, v1::Job::QUEUED), Event(2, v1::Job::RUNNING, 1),
                    ProgressEvent(3, 0.4, "step\n4"), failed, EndEvent(5)});
  EXPECT_EQ(out_.str(),
            "22:13:21  QUEUED\n"
            "22:13:22  RUNNING     attempt 1\n"
            "22:13:23  RUNNING      40 %  step 4\n"
            "22:13:24  SCHEDULED   PROGRAM_FAILED: exit code 75\n"
            "22:13:25  SUCCEEDED\n");
}

v1::JobEvent WaitingEvent(int64_t revision, v1::Job::State state, int attempt) {
  auto event = Event(revision, state, attempt);
  event.mutable_job()->set_type("demo.sleep");
  event.mutable_job()->set_state(state);
  event.mutable_job()->set_wait_reason(v1::Job::NO_WORKER);
  return event;
}

TEST_F(Views, LineViewTellsWhatAJobWaitsForAfterAnAttemptToo) {
  auto failed = WaitingEvent(2, v1::Job::SCHEDULED, 1);
  failed.mutable_error()->set_reason("PROGRAM_FAILED");
  Play(Lines().get(), {WaitingEvent(1, v1::Job::QUEUED, 1), failed});
  EXPECT_EQ(out_.str(),
            "22:13:21  QUEUED      no connected worker takes jobs of type demo.sleep\n"
            "22:13:22  SCHEDULED   PROGRAM_FAILED; no connected worker takes jobs of type "
            "demo.sleep\n");
}

TEST_F(Views, LineViewTellsThatAWaitIsAnotherAndThatItIsOver) {
  const auto view = Lines();
  v1::Job job = WaitingEvent(1, v1::Job::QUEUED, 0).job();
  view->ShowWait(job);
  job.clear_wait_reason();
  view->ShowWait(job);
  EXPECT_EQ(out_.str(),
            "00:00:00  QUEUED      no connected worker takes jobs of type demo.sleep\n"
            "00:00:00  QUEUED\n");
}

TEST_F(Views, BarViewDrawsAWaitThatIsAnother) {
  const auto view = Bar(80);
  const auto event = WaitingEvent(1, v1::Job::QUEUED, 0);
  v1::Job job = event.job();
  job.clear_wait_reason();
  view->Show(event, job);
  EXPECT_THAT(out_.str(), Not(HasSubstr("no connected worker")));
  view->ShowWait(event.job());
  EXPECT_THAT(out_.str(), HasSubstr("no connected worker"));
}

TEST_F(Views, JsonViewTellsEventsAlone) {
  MakeJsonView(out_, err_)->ShowWait(WaitingEvent(1, v1::Job::QUEUED, 0).job());
  EXPECT_EQ(out_.str(), "");
}

TEST_F(Views, BarViewDrawsInPlace) {
  const auto view = Bar(80);
  Play(view.get(), {Event(1, v1::Job::QUEUED), ProgressEvent(2, 0.4, "step 4")});
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\rQUEUED"), HasSubstr("\rRUNNING    ["),
                                EndsWith("step 4\x1b[K"), Not(HasSubstr("\n"))));
}

TEST_F(Views, BarViewLeavesOnlyTheEnd) {
  const auto view = Bar(80);
  Play(view.get(), {ProgressEvent(1, 0.4, "step 4"), EndEvent(2)});
  EXPECT_THAT(out_.str(), EndsWith("\r\x1b[KSUCCEEDED\n"));
}

TEST_F(Views, BarViewKeepsAFailedAttemptAboveTheBar) {
  const auto view = Bar(80);
  auto failed = Event(2, v1::Job::SCHEDULED, 1);
  failed.mutable_error()->set_reason("PROGRAM_FAILED");
  Play(view.get(), {ProgressEvent(1, 0.4, "step 4"), failed});
  EXPECT_THAT(out_.str(), HasSubstr("\r\x1b[Kattempt 1 failed: PROGRAM_FAILED\n\rSCHEDULED"));
}

TEST_F(Views, BarViewClearsTheLineWhenItGoes) {
  Play(Bar(80).get(), {ProgressEvent(1, 0.4, "step 4")});
  EXPECT_THAT(out_.str(), EndsWith("\r\x1b[K"));
}

TEST_F(Views, JsonViewTellsOneObjectALine) {
  const auto view = MakeJsonView(out_, err_);
  Play(view.get(), {Event(1, v1::Job::QUEUED)});
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"revision\":\"1\""), HasSubstr("\"state\":\"QUEUED\""),
                                EndsWith("}\n")));
}

TEST_F(Views, NotesGoToStandardError) {
  for (const auto& view : {Bar(80), MakeJsonView(out_, err_), Lines()}) {
    view->Note("out of reach");
  }
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "out of reach\nout of reach\nout of reach\n");
}

}  // namespace
}  // namespace buzzer::cli
