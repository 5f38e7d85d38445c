// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/submit_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/errors/errors.h"
#include "tests/fakes/fake_clock.h"

namespace buzzer::frontend {
namespace {

using ::testing::ElementsAre;

// What one caller was told.
struct Caller {
  JobId id = JobId::Make(absl::FromUnixSeconds(1'800'000'000));
  std::optional<absl::StatusOr<v1::Job>> told;

  std::string reason() const { return told.has_value() ? ErrorReason(told->status()) : "nothing"; }
  bool is_accepted() const { return told.has_value() && told->ok(); }
};

// The id of a job, as state's answer tells it.
std::string TextOf(const internal::v1::NewJob& job) {
  return JobId::FromBytes(job.id()).value_or(JobId()).ToString();
}

class SubmitQueueTest : public ::testing::Test {
 protected:
  SubmitQueueTest() { queue_.OnUp(); }

  static SubmitQueue::Limits SmallLimits() {
    SubmitQueue::Limits limits;
    limits.max_jobs = 10;
    limits.max_batch_jobs = 3;
    limits.max_bytes = 10'000;
    limits.max_batch_bytes = 1000;
    return limits;
  }

  std::shared_ptr<Caller> Submit(size_t payload_bytes = 10) {
    auto caller = std::make_shared<Caller>();
    internal::v1::NewJob job;
    job.set_id(std::string(caller->id.bytes()));
    job.set_payload(std::string(payload_bytes, 'x'));
    queue_.Add(std::move(job), [caller](absl::StatusOr<v1::Job> result) {
      EXPECT_FALSE(caller->told.has_value()) << "told twice";
      caller->told = std::move(result);
    });
    return caller;
  }

  // The next batch, or one without jobs.
  internal::v1::SubmitRequest Next() {
    internal::v1::SubmitRequest request;
    const bool any = queue_.NextBatch(&request);
    EXPECT_EQ(any, request.jobs_size() > 0);
    return request;
  }

  // State stores all of them.
  void Answer(const internal::v1::SubmitRequest& request) {
    internal::v1::SubmitResponse response;
    response.set_batch(request.batch());
    for (const auto& job : request.jobs()) {
      response.add_results()->mutable_job()->set_id(TextOf(job));
    }
    queue_.OnAnswer(response);
  }

  testing::FakeClock clock_;
  int wakes_ = 0;
  std::vector<absl::Duration> expiries_;
  std::vector<int> batches_;
  SubmitQueue queue_{
      SmallLimits(),
      &clock_,
      {[this] { ++wakes_; }, [this](absl::Duration delay) { expiries_.push_back(delay); },
       [this](int jobs) { batches_.push_back(jobs); }}};
};

TEST_F(SubmitQueueTest, SendsALoneSubmitAtOnce) {
  const auto caller = Submit();
  EXPECT_EQ(wakes_, 1);
  const auto batch = Next();
  ASSERT_EQ(batch.jobs_size(), 1);
  EXPECT_EQ(batch.jobs(0).id(), caller->id.bytes());
  EXPECT_FALSE(caller->told.has_value());
  Answer(batch);
  EXPECT_TRUE(caller->is_accepted());
}

TEST_F(SubmitQueueTest, GathersSubmitsWhileBatchesAreOnTheirWay) {
  Submit();
  const auto first = Next();
  Submit();
  const auto second = Next();
  std::vector<std::shared_ptr<Caller>> callers;
  callers.reserve(10);
  for (int i = 0; i < 3; ++i) callers.push_back(Submit());
  EXPECT_EQ(Next().jobs_size(), 0) << "two are in flight";
  wakes_ = 0;
  Answer(first);
  EXPECT_EQ(wakes_, 1);
  const auto third = Next();
  EXPECT_EQ(third.jobs_size(), 3);
  Answer(second);
  Answer(third);
  for (const auto& caller : callers) EXPECT_TRUE(caller->is_accepted());
  EXPECT_THAT(batches_, ElementsAre(1, 1, 3));
}

TEST_F(SubmitQueueTest, BoundsABatchByJobsAndBytes) {
  for (int i = 0; i < 4; ++i) Submit();
  EXPECT_EQ(Next().jobs_size(), 3);
  EXPECT_EQ(Next().jobs_size(), 1);
}

TEST_F(SubmitQueueTest, BoundsABatchByBytesButSendsALargeJobAlone) {
  Submit(600);
  Submit(600);
  Submit(5000);
  auto batch = Next();
  EXPECT_EQ(batch.jobs_size(), 1);
  Answer(batch);
  batch = Next();
  EXPECT_EQ(batch.jobs_size(), 1);
  Answer(batch);
  EXPECT_EQ(Next().jobs(0).payload().size(), 5000u);
}

TEST_F(SubmitQueueTest, RefusesMoreThanMayWait) {
  std::vector<std::shared_ptr<Caller>> callers;
  callers.reserve(10);
  for (int i = 0; i < 10; ++i) callers.push_back(Submit());
  const auto refused = Submit();
  EXPECT_EQ(refused->reason(), "STATE_UNAVAILABLE");
  EXPECT_TRUE(ErrorRetryAfter(refused->told->status()).has_value());
  Answer(Next());
  EXPECT_EQ(Submit()->reason(), "nothing");
}

TEST_F(SubmitQueueTest, RefusesMoreBytesThanMayWait) {
  Submit(9000);
  EXPECT_EQ(Submit(9000)->reason(), "STATE_UNAVAILABLE");
  EXPECT_EQ(Submit(10)->reason(), "nothing");
}

TEST_F(SubmitQueueTest, RefusesWhileTheOldestHasWaitedTooLong) {
  Submit();
  const auto first = Next();
  Submit();
  Next();
  const auto oldest = Submit();
  clock_.Advance(absl::Milliseconds(900));
  const auto in_time = Submit();
  EXPECT_FALSE(in_time->told.has_value());
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(Submit()->reason(), "STATE_UNAVAILABLE");
  EXPECT_FALSE(oldest->told.has_value());
  Answer(first);
  Answer(Next());
  EXPECT_TRUE(oldest->is_accepted());
  EXPECT_TRUE(in_time->is_accepted());
  EXPECT_FALSE(Submit()->told.has_value());
}

// Else it would be sent so late that its caller might be told "unknown".
TEST_F(SubmitQueueTest, DoesNotSendWhatHasWaitedTooLong) {
  Submit();
  const auto first = Next();
  Submit();
  Next();
  const auto old = Submit();
  clock_.Advance(absl::Milliseconds(900));
  const auto young = Submit();
  clock_.Advance(absl::Milliseconds(1100));
  Answer(first);
  const auto batch = Next();
  EXPECT_EQ(old->reason(), "STATE_UNAVAILABLE");
  ASSERT_EQ(batch.jobs_size(), 1);
  EXPECT_EQ(batch.jobs(0).id(), young->id.bytes());
}

// Else what is sent last is answered after its callers were told "unknown".
TEST_F(SubmitQueueTest, SendsSmallerBatchesWhileStateIsSlow) {
  SubmitQueue::Limits limits;
  limits.max_batch_jobs = 1000;
  limits.max_batches_in_flight = 1;
  limits.drop_after = limits.max_wait = absl::InfiniteDuration();
  SubmitQueue queue(limits, &clock_, {[] {}, [](absl::Duration) {}, [](int) {}});
  queue.OnUp();
  std::vector<int> sizes;
  for (const auto took : {1500, 1500, 1500, 1500, 1500, 900, 100, 100, 100, 100, 100}) {
    for (int i = 0; i < 1000; ++i) {
      internal::v1::NewJob job;
      job.set_id(std::string(JobId::Make(absl::Now()).bytes()));
      queue.Add(std::move(job), [](const absl::StatusOr<v1::Job>&) {});
    }
    internal::v1::SubmitRequest request;
    ASSERT_TRUE(queue.NextBatch(&request));
    sizes.push_back(request.jobs_size());
    clock_.Advance(absl::Milliseconds(took));
    internal::v1::SubmitResponse response;
    response.set_batch(request.batch());
    for (const auto& job : request.jobs()) {
      response.add_results()->mutable_job()->set_id(TextOf(job));
    }
    queue.OnAnswer(response);
    queue.Expire();
  }
  EXPECT_THAT(sizes, ElementsAre(1000, 500, 250, 125, 64, 64, 64, 128, 256, 512, 1000));
}

TEST_F(SubmitQueueTest, RefusesAtOnceWhileTheLineIsDown) {
  queue_.OnDown();
  const auto caller = Submit();
  EXPECT_EQ(caller->reason(), "STATE_UNAVAILABLE");
  EXPECT_TRUE(absl::IsUnavailable(caller->told->status()));
}

TEST_F(SubmitQueueTest, FailsWhatWasNeverSentWhenTheLineBreaks) {
  Submit();
  Next();
  Submit();
  Next();
  const auto never_sent = Submit();
  queue_.OnDown();
  EXPECT_EQ(never_sent->reason(), "STATE_UNAVAILABLE");
}

TEST_F(SubmitQueueTest, RepeatsUnansweredBatchesOnTheNextStream) {
  const auto one = Submit();
  const auto first = Next();
  const auto two = Submit();
  const auto second = Next();
  queue_.OnDown();
  EXPECT_EQ(one->reason(), "nothing");
  queue_.OnUp();
  const auto again = Next();
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  const auto second_again = Next();
  EXPECT_EQ(second_again.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(Next().jobs_size(), 0);
  Answer(again);
  Answer(second_again);
  EXPECT_TRUE(one->is_accepted());
  EXPECT_TRUE(two->is_accepted());
}

TEST_F(SubmitQueueTest, TakesNoRefusalOfARepeatForTheOutcome) {
  const auto refuse = [this](const internal::v1::SubmitRequest& request,
                             absl::StatusCode code = absl::StatusCode::kUnavailable,
                             const char* reason = "STORE_BUSY") {
    internal::v1::SubmitResponse response;
    response.set_batch(request.batch());
    *response.add_results()->mutable_error() =
        ToRpcStatus(ErrorBuilder(code, reason, "no").Build());
    queue_.OnAnswer(response);
  };
  const auto first = Submit();
  refuse(Next());
  EXPECT_EQ(first->reason(), "STORE_BUSY");
  // The second may have been stored before the line broke.
  const auto second = Submit();
  Next();
  queue_.OnDown();
  queue_.OnUp();
  refuse(Next());
  EXPECT_EQ(second->reason(), "OUTCOME_UNKNOWN");

  const auto third = Submit();
  Next();
  queue_.OnDown();
  queue_.OnUp();
  refuse(Next(), absl::StatusCode::kInternal, "BUG");
  EXPECT_EQ(third->reason(), "OUTCOME_UNKNOWN");
}

TEST_F(SubmitQueueTest, TakesWhatStateSaysAfterALookForTheJob) {
  const auto caller = Submit();
  Next();
  queue_.OnDown();
  queue_.OnUp();
  internal::v1::SubmitResponse response;
  response.set_batch(Next().batch());
  *response.add_results()->mutable_error() = ToRpcStatus(
      ErrorBuilder(absl::StatusCode::kAlreadyExists, "KEY_REUSED", "other request").Build());
  queue_.OnAnswer(response);
  EXPECT_EQ(caller->reason(), "KEY_REUSED");
}

TEST_F(SubmitQueueTest, SaysThatTheOutcomeIsUnknownWhenNoAnswerCame) {
  const auto caller = Submit();
  Next();
  queue_.OnDown();
  ASSERT_THAT(expiries_, ElementsAre(absl::Seconds(5)));
  clock_.Advance(absl::Seconds(5));
  queue_.Expire();
  EXPECT_EQ(caller->reason(), "OUTCOME_UNKNOWN");
  EXPECT_TRUE(absl::IsDeadlineExceeded(caller->told->status()));
  EXPECT_EQ(expiries_.size(), 1u) << "nothing waits any more";
}

TEST_F(SubmitQueueTest, DoesNotRepeatWhatItsCallerWasTold) {
  const auto old = Submit();
  clock_.Advance(absl::Milliseconds(500));
  const auto young = Submit();
  Next();
  queue_.OnDown();
  clock_.Advance(absl::Milliseconds(4500));
  queue_.Expire();
  EXPECT_EQ(old->reason(), "OUTCOME_UNKNOWN");
  EXPECT_EQ(expiries_.back(), absl::Milliseconds(500));
  queue_.OnUp();
  const auto again = Next();
  ASSERT_EQ(again.jobs_size(), 1);
  EXPECT_EQ(again.jobs(0).id(), young->id.bytes());
  Answer(again);
  EXPECT_TRUE(young->is_accepted());
}

TEST_F(SubmitQueueTest, DropsABatchThatNobodyWaitsFor) {
  Submit();
  Next();
  queue_.OnDown();
  clock_.Advance(absl::Seconds(5));
  queue_.Expire();
  queue_.OnUp();
  EXPECT_EQ(Next().jobs_size(), 0);
  Submit();
  EXPECT_EQ(Next().jobs_size(), 1);
}

TEST_F(SubmitQueueTest, SaysThatWhatWasNeverSentIsNotStoredWhenStateHangs) {
  Submit();
  Next();
  Submit();
  Next();
  const auto waiting = Submit();
  clock_.Advance(absl::Seconds(5));
  queue_.Expire();
  EXPECT_EQ(waiting->reason(), "STATE_UNAVAILABLE");
}

TEST_F(SubmitQueueTest, PassesOverAnAnswerThatCameTooLate) {
  const auto caller = Submit();
  const auto batch = Next();
  clock_.Advance(absl::Seconds(5));
  queue_.Expire();
  Answer(batch);
  Answer(batch);
  EXPECT_EQ(caller->reason(), "OUTCOME_UNKNOWN");
  Submit();
  Submit();
  EXPECT_EQ(Next().jobs_size(), 2) << "the late batch is not in flight any more";
}

TEST_F(SubmitQueueTest, SetsItsTimerAgainAfterItWasIdle) {
  Submit();
  Answer(Next());
  clock_.Advance(absl::Seconds(5));
  queue_.Expire();
  EXPECT_EQ(expiries_.size(), 1u);
  Submit();
  EXPECT_EQ(expiries_.size(), 2u);
}

TEST_F(SubmitQueueTest, TellsEachCallerItsOwnResult) {
  const auto good = Submit();
  const auto bad = Submit();
  const auto forgotten = Submit();
  const auto batch = Next();
  internal::v1::SubmitResponse response;
  response.set_batch(batch.batch());
  auto* stored = response.add_results()->mutable_job();
  stored->set_id(good->id.ToString());
  stored->set_name("jobs/1");
  *response.add_results()->mutable_error() =
      ToRpcStatus(ErrorBuilder(absl::StatusCode::kAlreadyExists, "KEY_REUSED", "other").Build());
  queue_.OnAnswer(response);
  ASSERT_TRUE(good->is_accepted());
  EXPECT_EQ(good->told->value().name(), "jobs/1");
  EXPECT_EQ(bad->reason(), "KEY_REUSED");
  EXPECT_EQ(forgotten->reason(), "OUTCOME_UNKNOWN");
}

TEST_F(SubmitQueueTest, TakesAJobThatHasNoTrueIdForNoAnswer) {
  std::vector<std::shared_ptr<Caller>> callers;
  const std::string ids[] = {"", std::string(36, 'x'), "../../v1/queues"};
  for (size_t i = 0; i < std::size(ids); ++i) callers.push_back(Submit());
  const auto batch = Next();
  internal::v1::SubmitResponse response;
  response.set_batch(batch.batch());
  for (const std::string& id : ids) response.add_results()->mutable_job()->set_id(id);
  // More than were asked for.
  for (int i = 0; i < 10; ++i) response.add_results();
  queue_.OnAnswer(response);
  queue_.OnAnswer(response);  // And once more.
  for (const auto& caller : callers) EXPECT_EQ(caller->reason(), "OUTCOME_UNKNOWN");
}

}  // namespace
}  // namespace buzzer::frontend
