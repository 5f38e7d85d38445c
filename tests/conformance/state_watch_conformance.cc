// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>

#include "tests/conformance/state_service_conformance.h"

namespace buzzer::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StateServiceConformance, BeginsAWatchWithTheJobAsItStands) {
  const JobId job = Running();
  state_->Report(job, 0.5);
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  const auto first = watches.Next(1);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->cause(), "SNAPSHOT");
  EXPECT_EQ(first->revision(), 3);
  EXPECT_EQ(first->state(), v1::Job::RUNNING);
  EXPECT_EQ(first->attempt(), 1);
  EXPECT_EQ(first->progress().fraction(), 0.5);
  EXPECT_EQ(first->job().SerializeAsString(), Get(job).SerializeAsString());
}

TEST_P(StateServiceConformance, TellsAWatchEveryChangeAndEndsItWithTheJob) {
  const JobId job = Submit();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->revision(), 1);

  state_->Claim(job);
  event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "CLAIMED");
  EXPECT_EQ(event->state(), v1::Job::RUNNING);
  EXPECT_EQ(event->revision(), 2);
  EXPECT_EQ(event->attempt(), 1);
  EXPECT_TRUE(event->has_time());
  EXPECT_FALSE(event->has_job());

  state_->Report(job, 0.5);
  event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "PROGRESS");
  EXPECT_EQ(event->state(), v1::Job::RUNNING);
  EXPECT_EQ(event->revision(), 3);
  EXPECT_EQ(event->progress().fraction(), 0.5);

  ASSERT_TRUE(caller_.Cancel(job).ok());
  event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "CANCEL_REQUESTED");
  EXPECT_EQ(event->state(), v1::Job::CANCELLING);

  state_->Succeed(job, "text/plain", "done");
  event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "SUCCEEDED");
  EXPECT_EQ(event->revision(), 5);
  EXPECT_EQ(event->job().SerializeAsString(), Get(job).SerializeAsString());
  EXPECT_FALSE(watches.Next(1).has_value());
  EXPECT_TRUE(watches.EndOf(1).ok()) << watches.EndOf(1);
}

TEST_P(StateServiceConformance, TellsAWatchWhyItsJobFailed) {
  const JobId job = Running();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job, 2));
  state_->Fail(job, /*retryable=*/false);
  const auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "FAILED");
  EXPECT_EQ(event->error().reason(), "HANDLER_FAILED");
  EXPECT_EQ(event->job().error().reason(), "HANDLER_FAILED");
}

TEST_P(StateServiceConformance, ShowsAJobThatHasEndedToAWatchAndEndsIt) {
  for (const JobId& job : {Succeeded(), Failed(), Cancelled()}) {
    WatchLine watches = caller_.OpenWatchLine();
    ASSERT_TRUE(watches.Start(1, job));
    const auto only = watches.Next(1);
    ASSERT_TRUE(only.has_value());
    EXPECT_EQ(only->cause(), "SNAPSHOT");
    EXPECT_EQ(only->job().SerializeAsString(), Get(job).SerializeAsString());
    EXPECT_FALSE(watches.Next(1).has_value());
    EXPECT_TRUE(watches.EndOf(1).ok()) << watches.EndOf(1);
  }
}

TEST_P(StateServiceConformance, ResumesAWatchAfterTheRevisionThatItNames) {
  const JobId job = Running();
  ASSERT_TRUE(caller_.Cancel(job).ok());
  ASSERT_TRUE(caller_.Cancel(job, /*force=*/true).ok());
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job, 1));
  auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "CLAIMED") << "no snapshot";
  EXPECT_THAT(watches.RevisionsToEnd(1), ElementsAre(3, 4));
  EXPECT_TRUE(watches.EndOf(1).ok());

  ASSERT_TRUE(watches.Start(2, job, 3));
  event = watches.Next(2);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->revision(), 4);
  EXPECT_EQ(event->job().state(), v1::Job::CANCELLED);

  ASSERT_TRUE(watches.Start(3, job, 4));
  EXPECT_THAT(watches.RevisionsToEnd(3), IsEmpty()) << "it has been seen to the end";
  EXPECT_TRUE(watches.EndOf(3).ok());
}

TEST_P(StateServiceConformance, ResumesAWatchWithTheNewestProgressAlone) {
  const JobId job = Running();
  for (const double fraction : {0.1, 0.2, 0.3}) state_->Report(job, fraction);
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job, 2));
  const auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->revision(), 5);
  EXPECT_EQ(event->progress().fraction(), 0.3);
  state_->Succeed(job, "text/plain", "done");
  EXPECT_THAT(watches.RevisionsToEnd(1), ElementsAre(6));

  ASSERT_TRUE(watches.Start(2, job, 2));
  EXPECT_THAT(watches.RevisionsToEnd(2), ElementsAre(6)) << "the progress is overtaken";
}

TEST_P(StateServiceConformance, BeginsAnewWithAWatchThatIsAheadOfItsJob) {
  const JobId job = Running();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job, 1000));
  const auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "SNAPSHOT");
  EXPECT_EQ(event->revision(), 2);
}

TEST_P(StateServiceConformance, TellsTheEndOfBeforeARetryAsAChangeLikeAnother) {
  const JobId job = Failed();
  ASSERT_TRUE(caller_.Retry(job).ok());
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job, 2));
  auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "FAILED");
  EXPECT_FALSE(event->has_job()) << "it did not end the job";
  event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "RETRY_REQUESTED");
  EXPECT_EQ(event->state(), v1::Job::QUEUED);
  ASSERT_TRUE(caller_.Cancel(job).ok());
  EXPECT_THAT(watches.RevisionsToEnd(1), ElementsAre(5));
  EXPECT_TRUE(watches.EndOf(1).ok());
}

TEST_P(StateServiceConformance, CarriesManyWatchesOnOneStream) {
  const JobId one = Submit();
  const JobId two = Submit();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, one));
  ASSERT_TRUE(watches.Start(2, two));
  ASSERT_TRUE(watches.Start(3, one));
  for (const int64_t watch : {1, 2, 3}) ASSERT_TRUE(watches.Next(watch).has_value());
  ASSERT_TRUE(caller_.Cancel(one).ok());
  for (const int64_t watch : {1, 3}) {
    EXPECT_THAT(watches.RevisionsToEnd(watch), ElementsAre(2));
    EXPECT_TRUE(watches.EndOf(watch).ok());
  }
  state_->Claim(two);
  const auto event = watches.Next(2);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->revision(), 2);
}

TEST_P(StateServiceConformance, TellsNothingMoreToAWatchThatIsStopped) {
  const JobId job = Submit();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  ASSERT_TRUE(watches.Next(1).has_value());
  ASSERT_TRUE(watches.Stop(1));
  // Once this one has begun, the other was stopped.
  ASSERT_TRUE(watches.Start(2, job));
  ASSERT_TRUE(watches.Next(2).has_value());
  ASSERT_TRUE(caller_.Cancel(job).ok());
  EXPECT_THAT(watches.RevisionsToEnd(2), ElementsAre(2));
  // Its number is free: what comes under it is of the new watch.
  ASSERT_TRUE(watches.Start(1, job));
  const auto event = watches.Next(1);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->cause(), "SNAPSHOT");
}

TEST_P(StateServiceConformance, EndsAWatchOfAJobThatIsNotThere) {
  const JobId job = Submit();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, IdOf(NewJob())));
  ASSERT_TRUE(watches.Start(2, job, 0, "other"));
  ASSERT_TRUE(watches.Start(3, job));
  for (const int64_t watch : {1, 2}) {
    EXPECT_THAT(watches.RevisionsToEnd(watch), IsEmpty());
    ExpectError(watches.EndOf(watch), absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
  }
  EXPECT_TRUE(watches.Next(3).has_value()) << "the others on the stream go on";
}

TEST_P(StateServiceConformance, EndsAWatchWhoseJobIsDeleted) {
  const JobId job = Failed();
  ASSERT_TRUE(caller_.Retry(job).ok());
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  ASSERT_TRUE(watches.Next(1).has_value());
  ASSERT_TRUE(caller_.Cancel(job).ok());
  ASSERT_TRUE(caller_.Delete(job).ok());
  // It was told of the end before, or not.
  while (watches.Next(1).has_value()) {
  }
  const absl::Status end = watches.EndOf(1);
  EXPECT_TRUE(end.ok() || absl::IsNotFound(end)) << end;
  ASSERT_TRUE(watches.Start(2, job));
  EXPECT_FALSE(watches.Next(2).has_value());
  ExpectError(watches.EndOf(2), absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
}

TEST_P(StateServiceConformance, EndsAWatchThatNoFrontendWouldStartAndCarriesTheOthers) {
  const JobId job = Submit();
  WatchLine watches = caller_.OpenWatchLine();
  internal::v1::WatchRequest::Start wrong;
  wrong.set_watch(1);
  wrong.set_tenant("default");
  wrong.set_job_id("fifteen bytes..");
  ASSERT_TRUE(watches.Start(wrong));
  EXPECT_FALSE(watches.Next(1).has_value());
  ExpectError(watches.EndOf(1), absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  ASSERT_TRUE(watches.Start(2, job, -1));
  EXPECT_FALSE(watches.Next(2).has_value());
  ExpectError(watches.EndOf(2), absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  ASSERT_TRUE(watches.Start(3, job));
  EXPECT_TRUE(watches.Next(3).has_value());
}

}  // namespace
}  // namespace buzzer::testing
