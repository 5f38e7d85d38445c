// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/watch/job_watch.h"

#include <gtest/gtest.h>

namespace buzzer::state {
namespace {

using Revisions = std::vector<int64_t>;

v1::JobEvent StateEvent(int64_t revision, JobState job_state = v1::Job::RUNNING) {
  v1::JobEvent event;
  event.set_revision(revision);
  event.set_state(job_state);
  event.set_cause("CHANGED");
  return event;
}

v1::JobEvent ProgressAt(int64_t revision) {
  v1::JobEvent event = StateEvent(revision);
  event.set_cause("PROGRESS");
  return event;
}

// What a store knows of a job at `revision`, having changed state at each of `changes`.
WatchStart Known(int64_t revision, JobState job_state, const Revisions& changes) {
  WatchStart start;
  start.job.revision = revision;
  start.job.state = job_state;
  for (const int64_t change : changes) {
    HistoryEntry entry;
    entry.revision = change;
    entry.state = change == changes.back() ? job_state : v1::Job::QUEUED;
    start.changes.push_back(entry);
  }
  return start;
}

struct Taken {
  Revisions revisions;
  std::vector<v1::JobEvent> events;
  std::optional<absl::Status> end;
  bool any = false;
};

Taken Take(JobWatch& watch) {
  google::protobuf::RepeatedPtrField<v1::JobEvent> events;
  Taken taken;
  taken.any = watch.Take(&events, &taken.end);
  for (const v1::JobEvent& event : events) {
    taken.revisions.push_back(event.revision());
    taken.events.push_back(event);
  }
  return taken;
}

TEST(JobWatch, TellsTheSnapshotFirst) {
  JobWatch watch(0);
  watch.Offer(StateEvent(3));
  EXPECT_FALSE(Take(watch).any);
  watch.Start(Known(3, v1::Job::RUNNING, {1, 2, 3}));
  watch.Offer(StateEvent(4));
  const Taken taken = Take(watch);
  EXPECT_EQ(taken.revisions, (Revisions{3, 4}));
  EXPECT_TRUE(taken.events[0].has_job());
  EXPECT_EQ(taken.events[0].cause(), "SNAPSHOT");
  EXPECT_FALSE(taken.end.has_value());
}

TEST(JobWatch, TellsOnceWhatIsInTheStoreAndWasOfferedToo) {
  JobWatch watch(1);
  watch.Offer(StateEvent(2));
  watch.Offer(StateEvent(3));
  watch.Offer(StateEvent(4));
  watch.Start(Known(3, v1::Job::RUNNING, {2, 3}));
  EXPECT_EQ(Take(watch).revisions, (Revisions{2, 3, 4}));
}

TEST(JobWatch, TellsOnceWhatTheStoreKnewBeforeItWasOffered) {
  JobWatch watch(1);
  watch.Start(Known(3, v1::Job::RUNNING, {2, 3}));
  watch.Offer(StateEvent(2));
  watch.Offer(StateEvent(3));
  watch.Offer(StateEvent(4));
  EXPECT_EQ(Take(watch).revisions, (Revisions{2, 3, 4}));

  JobWatch taken(0);
  taken.Start(Known(3, v1::Job::RUNNING, {}));
  EXPECT_EQ(Take(taken).revisions, Revisions{3});
  taken.Offer(StateEvent(3));
  EXPECT_FALSE(Take(taken).any);
}

TEST(JobWatch, TellsAResumedWatcherOnlyWhatIsNewer) {
  JobWatch watch(5);
  watch.Start(Known(8, v1::Job::RUNNING, {6, 8}));
  EXPECT_EQ(Take(watch).revisions, (Revisions{6, 8}));
  EXPECT_FALSE(Take(watch).any);
}

TEST(JobWatch, TellsAResumedWatcherTheNewestProgress) {
  WatchStart start = Known(9, v1::Job::RUNNING, {6});
  start.job.attempt = 1;
  start.job.progress = ProgressRecord{1, 9, 0.5, "half", "", {}};
  JobWatch watch(5);
  watch.Start(start);
  const Taken taken = Take(watch);
  EXPECT_EQ(taken.revisions, (Revisions{6, 9}));
  EXPECT_EQ(taken.events[1].progress().fraction(), 0.5);

  JobWatch up_to_date(9);
  up_to_date.Start(Known(9, v1::Job::RUNNING, {}));
  EXPECT_FALSE(Take(up_to_date).any);
}

TEST(JobWatch, TellsNoProgressOfAnEarlierAttempt) {
  WatchStart start = Known(9, v1::Job::RUNNING, {9});
  start.job.attempt = 2;
  start.job.progress = ProgressRecord{1, 7, 0.5, "", "", {}};
  JobWatch watch(6);
  watch.Start(start);
  EXPECT_EQ(Take(watch).revisions, Revisions{9});
}

TEST(JobWatch, GivesTheSnapshotAtOnceToOneThatNamesARevisionAboveTheJobs) {
  JobWatch watch(1000);
  watch.Start(Known(3, v1::Job::RUNNING, {}));
  const Taken taken = Take(watch);
  EXPECT_EQ(taken.revisions, Revisions{3});
  EXPECT_TRUE(taken.events[0].has_job());
  watch.Offer(StateEvent(4));
  EXPECT_EQ(Take(watch).revisions, Revisions{4});
}

TEST(JobWatch, KeepsTheNewestProgressForASlowReader) {
  JobWatch watch(1);
  watch.Start(Known(1, v1::Job::RUNNING, {}));
  for (int64_t revision = 2; revision < 10'000; ++revision) watch.Offer(ProgressAt(revision));
  watch.Offer(StateEvent(10'000));
  watch.Offer(ProgressAt(10'001));
  watch.Offer(ProgressAt(10'002));
  EXPECT_EQ(Take(watch).revisions, (Revisions{9'999, 10'000, 10'002}));
}

TEST(JobWatch, ReadsAgainWithoutLossWhenItFellBehind) {
  JobWatch watch(1);
  watch.Start(Known(1, v1::Job::RUNNING, {}));
  Revisions all;
  for (int64_t revision = 2; revision <= 500; ++revision) {
    watch.Offer(StateEvent(revision));
    all.push_back(revision);
  }
  EXPECT_FALSE(watch.needs_start());
  Revisions told = Take(watch).revisions;
  EXPECT_LT(told.size(), 100u);
  ASSERT_TRUE(watch.needs_start());
  // The end comes while it reads, and finds it full again.
  watch.Offer(StateEvent(501, v1::Job::SUCCEEDED));
  all.push_back(501);
  const auto read_after = [](int64_t revision) {
    Revisions rest;
    while (++revision <= 500) rest.push_back(revision);
    return rest;
  };
  watch.Start(Known(500, v1::Job::RUNNING, read_after(watch.told())));
  Taken taken = Take(watch);
  told.insert(told.end(), taken.revisions.begin(), taken.revisions.end());
  EXPECT_FALSE(taken.end.has_value());
  ASSERT_TRUE(watch.needs_start());
  watch.Start(Known(501, v1::Job::SUCCEEDED, {501}));
  taken = Take(watch);
  told.insert(told.end(), taken.revisions.begin(), taken.revisions.end());
  EXPECT_EQ(told, all);
  ASSERT_TRUE(taken.end.has_value());
  EXPECT_TRUE(taken.end->ok());
}

TEST(JobWatch, ReadsAgainWhenItFellBehindBeforeItBegan) {
  JobWatch watch(1);
  for (int64_t revision = 2; revision <= 100; ++revision) watch.Offer(StateEvent(revision));
  watch.Start(Known(1, v1::Job::RUNNING, {}));  // Looked before all of them.
  EXPECT_FALSE(Take(watch).any);
  ASSERT_TRUE(watch.needs_start());
  Revisions changes;
  for (int64_t revision = 2; revision <= 100; ++revision) changes.push_back(revision);
  watch.Start(Known(100, v1::Job::RUNNING, changes));
  EXPECT_EQ(Take(watch).revisions, changes);
}

TEST(JobWatch, ReadsAgainWhenCommitsMayHaveGoneUntold) {
  JobWatch watch(1);
  watch.Start(Known(1, v1::Job::RUNNING, {}));
  watch.Miss();
  EXPECT_FALSE(Take(watch).any);
  ASSERT_TRUE(watch.needs_start());
  watch.Start(Known(2, v1::Job::CANCELLING, {2}));
  EXPECT_EQ(Take(watch).revisions, Revisions{2});
}

TEST(JobWatch, EndsWithOkAtATerminalState) {
  JobWatch watch(1);
  watch.Start(Known(1, v1::Job::RUNNING, {}));
  watch.Offer(StateEvent(2, v1::Job::FAILED));
  watch.Offer(StateEvent(3, v1::Job::QUEUED));  // Retried: that is another watch's story.
  const Taken taken = Take(watch);
  EXPECT_EQ(taken.revisions, Revisions{2});
  ASSERT_TRUE(taken.end.has_value());
  EXPECT_TRUE(taken.end->ok());
}

TEST(JobWatch, EndsAtOnceForAFinishedJobThatTheWatcherHasSeen) {
  JobWatch watch(4);
  watch.Start(Known(4, v1::Job::SUCCEEDED, {}));
  const Taken taken = Take(watch);
  EXPECT_TRUE(taken.any);
  EXPECT_TRUE(taken.revisions.empty());
  EXPECT_TRUE(taken.end->ok());
}

TEST(JobWatch, ShowsTheWholeJobWithItsEnd) {
  JobWatch snapshot(0);
  snapshot.Start(Known(4, v1::Job::SUCCEEDED, {}));
  Taken taken = Take(snapshot);
  ASSERT_EQ(taken.revisions, Revisions{4});
  EXPECT_TRUE(taken.events[0].has_job());
  EXPECT_TRUE(taken.end->ok());

  JobWatch resumed(2);
  resumed.Start(Known(4, v1::Job::SUCCEEDED, {3, 4}));
  taken = Take(resumed);
  ASSERT_EQ(taken.revisions, (Revisions{3, 4}));
  EXPECT_FALSE(taken.events[0].has_job());
  EXPECT_TRUE(taken.events[1].has_job());
}

TEST(JobWatch, GoesOnForAJobThatWasRetriedAfterItsEnd) {
  JobWatch watch(2);
  WatchStart start = Known(5, v1::Job::QUEUED, {3, 4, 5});
  start.changes[1].state = v1::Job::FAILED;
  watch.Start(start);
  const Taken taken = Take(watch);
  EXPECT_EQ(taken.revisions, (Revisions{3, 4, 5}));
  EXPECT_FALSE(taken.end.has_value());
}

TEST(JobWatch, EndsWithTheErrorOfItsStart) {
  JobWatch watch(0);
  watch.Start(absl::NotFoundError("no such job"));
  const Taken taken = Take(watch);
  EXPECT_TRUE(taken.revisions.empty());
  EXPECT_TRUE(absl::IsNotFound(*taken.end));
}

TEST(JobWatch, TellsNothingOfAJobThatItsStartMustNotSee) {
  JobWatch watch(0);
  watch.Offer(StateEvent(2));
  watch.Start(absl::NotFoundError("no such job"));
  const Taken taken = Take(watch);
  EXPECT_TRUE(taken.revisions.empty());
  EXPECT_TRUE(absl::IsNotFound(*taken.end));
}

TEST(JobWatch, EndsWhenTheJobIsDeletedAfterTellingWhatItHas) {
  JobWatch watch(1);
  watch.Start(Known(1, v1::Job::RUNNING, {}));
  watch.Offer(StateEvent(2));
  watch.End(absl::NotFoundError("deleted"));
  const Taken taken = Take(watch);
  EXPECT_EQ(taken.revisions, Revisions{2});
  EXPECT_TRUE(absl::IsNotFound(*taken.end));
}

}  // namespace
}  // namespace buzzer::state
