// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>

#include "common/errors/errors.h"
#include "tests/conformance/state_service_conformance.h"

namespace buzzer::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Ids = std::vector<JobId>;

google::protobuf::Timestamp Timestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  const absl::Duration rest = time - absl::FromUnixSeconds(timestamp.seconds());
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return timestamp;
}

// --- Get

TEST_P(StateServiceConformance, ShowsPayloadAndHistoryInTheFullViewAlone) {
  const JobId job = Running();
  state_->Report(job, 0.5);
  state_->Succeed(job, "text/plain", "done");
  const auto full = caller_.GetFull(job);
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->payload(), R"({"n":1})");
  EXPECT_TRUE(full->payload_is_json());
  EXPECT_EQ(full->job().state(), v1::Job::SUCCEEDED);
  EXPECT_THAT(Causes(full->job().history()), ElementsAre("SUBMITTED", "CLAIMED", "SUCCEEDED"))
      << "progress is no change of state";
  EXPECT_EQ(full->job().history(1).state(), v1::Job::RUNNING);
  EXPECT_EQ(full->job().history(1).revision(), 2);
  EXPECT_EQ(full->job().history(1).attempt(), 1);
  EXPECT_EQ(full->job().history(2).revision(), 4);
  for (const auto& entry : full->job().history()) {
    EXPECT_TRUE(entry.has_time());
    EXPECT_FALSE(entry.has_job());
  }
  EXPECT_EQ(Get(job).history_size(), 0);
}

TEST_P(StateServiceConformance, GivesThePayloadBackAsTheBytesThatItWas) {
  internal::v1::NewJob job = NewJob();
  job.set_payload(std::string("\0\xff raw", 6));
  job.set_payload_is_json(false);
  job.set_payload_content_type("application/octet-stream");
  const auto full = caller_.GetFull(Submit(job));
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->payload(), job.payload());
  EXPECT_FALSE(full->payload_is_json());
  EXPECT_EQ(full->job().payload_content_type(), "application/octet-stream");
}

TEST_P(StateServiceConformance, ShowsAttemptAndProgressOfAJobThatRuns) {
  const JobId job = Running();
  EXPECT_EQ(Get(job).attempt(), 1);
  EXPECT_FALSE(Get(job).has_progress());
  state_->Report(job, 0.25);
  state_->Report(job, 0.5);
  EXPECT_EQ(Get(job).state(), v1::Job::RUNNING);
  EXPECT_EQ(Get(job).progress().fraction(), 0.5);
  EXPECT_EQ(Get(job).revision(), 4);
}

TEST_P(StateServiceConformance, ShowsWhyAJobFailed) {
  const v1::Job failed = Get(Failed());
  EXPECT_EQ(failed.state(), v1::Job::FAILED);
  EXPECT_EQ(failed.error().reason(), "HANDLER_FAILED");
  EXPECT_EQ(failed.error().attempt(), 1);
  EXPECT_EQ(failed.failed_attempts(), 1);

  const JobId job = Running();
  state_->Fail(job, /*retryable=*/true);
  const v1::Job waits = Get(job);
  EXPECT_EQ(waits.state(), v1::Job::SCHEDULED);
  EXPECT_TRUE(waits.has_run_at());
  EXPECT_EQ(waits.error().reason(), "HANDLER_FAILED");
}

TEST_P(StateServiceConformance, KnowsNoJobThatWasNeverSubmitted) {
  const JobId never = IdOf(NewJob());
  for (const absl::Status& status :
       {caller_.Get(never).status(), caller_.GetFull(never).status(),
        caller_.GetResult(never).status(), caller_.Cancel(never).status(),
        caller_.Retry(never).status(), caller_.Delete(never)}) {
    ExpectError(status, absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
  }
}

TEST_P(StateServiceConformance, ShowsNobodyTheJobsOfAnotherTenant) {
  const JobId job = Failed();
  for (const absl::Status& status :
       {caller_.Get(job, "other").status(), caller_.GetFull(job, "other").status(),
        caller_.GetResult(job, "other").status(),
        caller_.Cancel(job, /*force=*/false, "other").status(),
        caller_.Retry(job, "other").status(), caller_.Delete(job, "other")}) {
    ExpectError(status, absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
  }
  internal::v1::ListJobsRequest list;
  list.set_tenant("other");
  EXPECT_THAT(ListAll(list), IsEmpty());
  EXPECT_EQ(Get(job).state(), v1::Job::FAILED);
}

TEST_P(StateServiceConformance, RefusesAnIdThatIsNot16Bytes) {
  internal::v1::GetJobRequest get;
  get.set_tenant("default");
  get.set_id("fifteen bytes..");
  ExpectError(caller_.Call(&StateCaller::Stub::GetJob, get).status(),
              absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  internal::v1::DeleteJobRequest remove;
  remove.set_tenant("default");
  ExpectError(caller_.Call(&StateCaller::Stub::DeleteJob, remove).status(),
              absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
}

// --- Lists

TEST_P(StateServiceConformance, ListsJobsNewestFirstAndPageByPage) {
  Ids submitted;
  for (int i = 0; i < 5; ++i) submitted.push_back(Submit());
  const Ids newest_first(submitted.rbegin(), submitted.rend());
  internal::v1::ListJobsRequest request;
  for (const int page_size : {1, 2, 5, 100}) {
    request.set_page_size(page_size);
    EXPECT_EQ(ListAll(request), newest_first) << "in pages of " << page_size;
  }
  request.set_page_size(2);
  const auto page = caller_.List(request);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->jobs_size(), 2);
  EXPECT_EQ(page->next_before_id(), newest_first[1].bytes());
  EXPECT_EQ(page->jobs(0).SerializeAsString(), Get(newest_first[0]).SerializeAsString());
}

TEST_P(StateServiceConformance, ListsNothingWhereThereIsNothing) {
  const auto page = caller_.List({});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->jobs_size(), 0);
  EXPECT_TRUE(page->next_before_id().empty());
}

TEST_P(StateServiceConformance, ListsOnlyWhatTheFilterNames) {
  state_->Announce("mail", "letters");
  const JobId plain = Submit();
  internal::v1::NewJob job = NewJob();
  (*job.mutable_labels())["team"] = "blue";
  (*job.mutable_labels())["shop"] = "4711";
  const JobId labelled = Submit(job);
  job = NewJob();
  job.set_type("mail");
  (*job.mutable_labels())["team"] = "red";
  const JobId mail = Submit(job);
  const JobId cancelled = Cancelled();

  internal::v1::ListJobsRequest request;
  request.set_state(v1::Job::CANCELLED);
  EXPECT_EQ(ListAll(request), Ids{cancelled});
  request.set_state(v1::Job::QUEUED);
  EXPECT_EQ(ListAll(request), (Ids{mail, labelled, plain}));
  (*request.mutable_labels())["team"] = "blue";
  EXPECT_EQ(ListAll(request), Ids{labelled});
  (*request.mutable_labels())["shop"] = "4712";
  EXPECT_THAT(ListAll(request), IsEmpty());

  request.Clear();
  request.set_type("mail");
  EXPECT_EQ(ListAll(request), Ids{mail});
  request.set_type("demo.echo");
  EXPECT_EQ(ListAll(request), (Ids{cancelled, labelled, plain}));
  request.Clear();
  request.set_queue("letters");
  EXPECT_EQ(ListAll(request), Ids{mail});
  request.set_type("demo.echo");
  EXPECT_THAT(ListAll(request), IsEmpty());

  request.Clear();
  *request.mutable_created_from() = Timestamp(labelled.time());
  EXPECT_EQ(ListAll(request), (Ids{cancelled, mail, labelled}));
  *request.mutable_created_until() = Timestamp(mail.time());
  EXPECT_EQ(ListAll(request), Ids{labelled}) << "from is inclusive, until is not";
}

TEST_P(StateServiceConformance, ListsPagesOfAFilterToTheirEnd) {
  Ids waiting;
  for (int i = 0; i < 10; ++i) {
    const JobId job = Submit();
    if (i % 3 == 0) {
      ASSERT_TRUE(caller_.Cancel(job).ok());
    } else {
      waiting.insert(waiting.begin(), job);
    }
  }
  internal::v1::ListJobsRequest request;
  request.set_state(v1::Job::QUEUED);
  request.set_page_size(2);
  EXPECT_EQ(ListAll(request), waiting);
}

TEST_P(StateServiceConformance, RefusesAPageOfNoSize) {
  internal::v1::ListJobsRequest request;
  request.set_tenant("default");
  for (const int size : {0, -1, 1001}) {
    request.set_page_size(size);
    ExpectError(caller_.Call(&StateCaller::Stub::ListJobs, request).status(),
                absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  }
}

// --- Results

TEST_P(StateServiceConformance, GivesTheResultOfAJobThatHasSucceeded) {
  const JobId job = Running();
  state_->Succeed(job, "image/png", std::string("\0png", 4));
  const auto result = caller_.GetResult(job);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->content_type(), "image/png");
  EXPECT_EQ(result->body(), std::string("\0png", 4));
  EXPECT_EQ(Get(job).result().content_type(), "image/png");
  EXPECT_EQ(Get(job).result().size(), 4);
}

TEST_P(StateServiceConformance, SaysWhenToComeBackForAResultThatIsNotReady) {
  for (const JobId& job : {Submit(), Running()}) {
    const absl::Status early = caller_.GetResult(job).status();
    ExpectError(early, absl::StatusCode::kNotFound, "RESULT_NOT_READY");
    EXPECT_EQ(ErrorRetryAfter(early), absl::Seconds(1));
  }
}

TEST_P(StateServiceConformance, SaysWhyThereWillBeNoResult) {
  ExpectError(caller_.GetResult(Failed()).status(), absl::StatusCode::kFailedPrecondition,
              "JOB_FAILED");
  ExpectError(caller_.GetResult(Cancelled()).status(), absl::StatusCode::kFailedPrecondition,
              "JOB_CANCELLED");
}

// --- Cancel

TEST_P(StateServiceConformance, CancelsAJobThatWaitsAtOnce) {
  const JobId job = Submit();
  for (int time = 0; time < 2; ++time) {
    const auto cancelled = caller_.Cancel(job);
    ASSERT_TRUE(cancelled.ok()) << cancelled.status();
    EXPECT_EQ(cancelled->state(), v1::Job::CANCELLED);
    EXPECT_EQ(cancelled->revision(), 2) << "the second time changes nothing";
  }
  internal::v1::NewJob later = NewJob();
  later.mutable_delay()->set_seconds(3600);
  const auto cancelled = caller_.Cancel(Submit(later), /*force=*/true);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::Job::CANCELLED);
  EXPECT_FALSE(cancelled->has_error()) << "there was nobody to force";
  const auto full = caller_.GetFull(job);
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_THAT(Causes(full->job().history()), ElementsAre("SUBMITTED", "CANCELLED"));
}

TEST_P(StateServiceConformance, AsksAJobThatRunsToStop) {
  const JobId job = Running();
  for (int time = 0; time < 2; ++time) {
    const auto asked = caller_.Cancel(job);
    ASSERT_TRUE(asked.ok()) << asked.status();
    EXPECT_EQ(asked->state(), v1::Job::CANCELLING);
    EXPECT_EQ(asked->revision(), 3) << "the second time changes nothing";
  }
  state_->Succeed(job, "text/plain", "done");
  EXPECT_EQ(Get(job).state(), v1::Job::SUCCEEDED) << "it was done before it could stop";
}

TEST_P(StateServiceConformance, EndsAJobThatRunsIfItIsForced) {
  for (const bool asked_before : {false, true}) {
    const JobId job = Running();
    if (asked_before) {
      ASSERT_TRUE(caller_.Cancel(job).ok());
    }
    const auto forced = caller_.Cancel(job, /*force=*/true);
    ASSERT_TRUE(forced.ok()) << forced.status();
    EXPECT_EQ(forced->state(), v1::Job::CANCELLED);
    EXPECT_EQ(forced->error().reason(), "FORCED");
    const auto full = caller_.GetFull(job);
    ASSERT_TRUE(full.ok()) << full.status();
    EXPECT_EQ(full->job().history().rbegin()->cause(), "CANCEL_FORCED");
  }
}

TEST_P(StateServiceConformance, CancelsNoJobThatHasEndedByItself) {
  for (const JobId& job : {Succeeded(), Failed()}) {
    for (const bool force : {false, true}) {
      ExpectError(caller_.Cancel(job, force).status(), absl::StatusCode::kFailedPrecondition,
                  "JOB_FINISHED");
    }
    EXPECT_EQ(Get(job).revision(), 3);
  }
}

// --- Retry

TEST_P(StateServiceConformance, QueuesAJobThatFailedOrWasCancelledAgain) {
  for (const JobId& job : {Failed(), Cancelled()}) {
    const int64_t ended = Get(job).revision();
    for (int time = 0; time < 2; ++time) {
      const auto retried = caller_.Retry(job);
      ASSERT_TRUE(retried.ok()) << retried.status();
      EXPECT_EQ(retried->state(), v1::Job::QUEUED);
      EXPECT_EQ(retried->revision(), ended + 1) << "the second time changes nothing";
      EXPECT_EQ(retried->failed_attempts(), 0);
      EXPECT_FALSE(retried->has_error());
    }
    state_->Claim(job);
    state_->Succeed(job, "text/plain", "done");
    ExpectError(caller_.Retry(job).status(), absl::StatusCode::kFailedPrecondition,
                "JOB_NOT_RETRYABLE");
  }
}

TEST_P(StateServiceConformance, RetriesNoJobThatHasNotEndedOrHasSucceeded) {
  for (const JobId& job : {Submit(), Running(), Succeeded()}) {
    const int64_t revision = Get(job).revision();
    ExpectError(caller_.Retry(job).status(), absl::StatusCode::kFailedPrecondition,
                "JOB_NOT_RETRYABLE");
    EXPECT_EQ(Get(job).revision(), revision);
  }
}

// --- Delete

TEST_P(StateServiceConformance, DeletesAJobThatHasEnded) {
  for (const JobId& job : {Succeeded(), Failed(), Cancelled()}) {
    EXPECT_TRUE(caller_.Delete(job).ok());
    ExpectError(caller_.Get(job).status(), absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
    ExpectError(caller_.Delete(job), absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
  }
  EXPECT_THAT(ListAll({}), IsEmpty());
}

TEST_P(StateServiceConformance, DeletesNoJobThatHasNotEnded) {
  const JobId stopping = Running();
  ASSERT_TRUE(caller_.Cancel(stopping).ok());
  for (const JobId& job : {Submit(), Running(), stopping}) {
    ExpectError(caller_.Delete(job), absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED");
    EXPECT_TRUE(caller_.Get(job).ok());
  }
}

}  // namespace
}  // namespace buzzer::testing
