// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>

#include "tests/conformance/state_service_conformance.h"

namespace buzzer::testing {
namespace {

using ::testing::ElementsAre;

TEST_P(StateServiceConformance, CountsTheJobsOfAQueueByTheirStates) {
  Submit();
  Running();
  const JobId stopping = Running();
  ASSERT_TRUE(caller_.Cancel(stopping).ok());
  internal::v1::NewJob later = NewJob();
  later.mutable_delay()->set_seconds(3600);
  Submit(later);
  Succeeded();
  Failed();
  Failed();
  Cancelled();
  const auto queue = caller_.GetQueue("demo.echo");
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_EQ(queue->name(), "queues/demo.echo");
  EXPECT_FALSE(queue->paused());
  EXPECT_EQ(queue->ready(), 1);
  EXPECT_EQ(queue->running(), 2);
  EXPECT_EQ(queue->scheduled(), 1);
  EXPECT_EQ(queue->succeeded(), 1);
  EXPECT_EQ(queue->failed(), 2);
  EXPECT_EQ(queue->cancelled(), 1);
  EXPECT_THAT(queue->types(), ElementsAre("demo.echo"));

  const auto others = caller_.GetQueue("demo.echo", "other");
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_EQ(others->ready() + others->running() + others->succeeded() + others->failed(), 0);
}

TEST_P(StateServiceConformance, ListsQueuesByName) {
  state_->Announce("mail", "letters");
  state_->Announce("mail", "bulk");
  Submit();
  const auto queues = caller_.ListQueues();
  ASSERT_TRUE(queues.ok()) << queues.status();
  std::vector<std::string> names;
  for (const v1::Queue& queue : *queues) names.push_back(queue.name());
  ASSERT_THAT(names, ElementsAre("queues/bulk", "queues/demo.echo", "queues/letters"));
  EXPECT_EQ((*queues)[0].ready(), 0);
  EXPECT_EQ((*queues)[1].ready(), 1);
}

TEST_P(StateServiceConformance, KnowsNoQueueThatNobodyHasAnnounced) {
  ExpectError(caller_.GetQueue("letters").status(), absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND");
  ExpectError(caller_.SetQueuePaused("letters", true).status(), absl::StatusCode::kNotFound,
              "QUEUE_NOT_FOUND");
  state_->Announce("mail", "letters");
  const auto queue = caller_.GetQueue("letters");
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_FALSE(queue->paused());
}

TEST_P(StateServiceConformance, PausesAndResumesAQueue) {
  for (const bool paused : {true, true, false, false}) {
    const auto queue = caller_.SetQueuePaused("demo.echo", paused);
    ASSERT_TRUE(queue.ok()) << queue.status();
    EXPECT_EQ(queue->name(), "queues/demo.echo");
    EXPECT_EQ(queue->paused(), paused);
    const auto read = caller_.GetQueue("demo.echo", "other");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->paused(), paused) << "a queue is every tenant's";
  }
}

TEST_P(StateServiceConformance, SaysWhyAJobWaits) {
  const JobId job = Submit();
  EXPECT_EQ(Get(job).wait_reason(), v1::Job::NO_WORKER);
  state_->Connect("demo.echo", "demo.echo");
  EXPECT_EQ(Get(job).wait_reason(), v1::Job::WAIT_REASON_UNSPECIFIED);
  ASSERT_TRUE(caller_.SetQueuePaused("demo.echo", true).ok());
  EXPECT_EQ(Get(job).wait_reason(), v1::Job::QUEUE_PAUSED);
  const auto submitted = caller_.Submit(NewJob());
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->wait_reason(), v1::Job::QUEUE_PAUSED);
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  const auto snapshot = watches.Next(1);
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->job().wait_reason(), v1::Job::QUEUE_PAUSED);
  const auto cancelled = caller_.Cancel(job);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->wait_reason(), v1::Job::WAIT_REASON_UNSPECIFIED) << "it does not wait";
}

TEST_P(StateServiceConformance, ForgetsAQueueThatNobodyNeeds) {
  state_->Announce("mail", "letters");
  ASSERT_TRUE(caller_.SetQueuePaused("letters", true).ok());
  EXPECT_TRUE(caller_.DeleteQueue("letters").ok());
  ExpectError(caller_.GetQueue("letters").status(), absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND");
  ExpectError(caller_.DeleteQueue("letters"), absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND");
  internal::v1::NewJob job = NewJob();
  job.set_type("mail");
  ExpectError(caller_.Submit(job).status(), absl::StatusCode::kInvalidArgument, "UNKNOWN_TYPE");
  // Who announces it brings it back, without its pause.
  state_->Announce("mail", "letters");
  const auto queue = caller_.GetQueue("letters");
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_FALSE(queue->paused());
}

TEST_P(StateServiceConformance, ForgetsNoQueueThatIsInUse) {
  state_->Connect("report", "reports");
  ExpectError(caller_.DeleteQueue("reports"), absl::StatusCode::kFailedPrecondition,
              "QUEUE_IN_USE");
  state_->Announce("mail", "letters");
  internal::v1::NewJob mail = NewJob();
  mail.set_type("mail");
  mail.set_tenant("other");
  Submit(mail);
  ExpectError(caller_.DeleteQueue("letters"), absl::StatusCode::kFailedPrecondition,
              "QUEUE_IN_USE");
  ASSERT_TRUE(caller_.Cancel(IdOf(mail), /*force=*/false, "other").ok());
  EXPECT_TRUE(caller_.DeleteQueue("letters").ok()) << "its jobs have ended";
}

// Or the frontend would take the refusal for a proof that the job is not stored.
TEST_P(StateServiceConformance, GivesARepeatItsJobThoughItsTypeWasDeletedMeanwhile) {
  state_->Announce("mail", "letters");
  internal::v1::NewJob job = NewJob();
  job.set_type("mail");
  Submit(job);
  ASSERT_TRUE(caller_.DeleteType("mail").ok());
  const auto again = caller_.Submit(job);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), IdOf(job).ToString());
}

TEST_P(StateServiceConformance, ForgetsATypeThatNobodyHandles) {
  state_->Announce("mail", "letters");
  state_->Announce("mail", "bulk");
  EXPECT_TRUE(caller_.DeleteType("mail").ok());
  internal::v1::NewJob job = NewJob();
  job.set_type("mail");
  ExpectError(caller_.Submit(job).status(), absl::StatusCode::kInvalidArgument, "UNKNOWN_TYPE");
  ExpectError(caller_.DeleteType("mail"), absl::StatusCode::kNotFound, "TYPE_NOT_FOUND");
  const auto queue = caller_.GetQueue("letters");
  ASSERT_TRUE(queue.ok()) << "its queues stay: " << queue.status();
  EXPECT_EQ(queue->types_size(), 0);
}

TEST_P(StateServiceConformance, ForgetsNoTypeThatAWorkerHandles) {
  state_->Connect("report", "reports");
  ExpectError(caller_.DeleteType("report"), absl::StatusCode::kFailedPrecondition, "TYPE_IN_USE");
}

TEST_P(StateServiceConformance, RefusesAQueueAndATypeThatAreNoNames) {
  for (const absl::Status& status :
       {caller_.GetQueue("No Name").status(), caller_.SetQueuePaused("", true).status(),
        caller_.DeleteQueue("No Name"), caller_.DeleteType("")}) {
    ExpectError(status, absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  }
}

}  // namespace
}  // namespace buzzer::testing
