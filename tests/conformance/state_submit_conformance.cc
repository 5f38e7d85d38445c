// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>

#include "tests/conformance/state_service_conformance.h"

namespace buzzer::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_P(StateServiceConformance, AnswersASubmitWithTheJobAsItIsStored) {
  internal::v1::NewJob job = NewJobWithKey("order 4711");
  job.set_priority(v1::Job::HIGH);
  (*job.mutable_labels())["team"] = "blue";
  job.mutable_lease()->set_seconds(60);
  job.mutable_retention()->set_seconds(7200);
  job.mutable_attempt_timeout()->set_seconds(90);
  const auto stored = caller_.Submit(job);
  ASSERT_TRUE(stored.ok()) << stored.status();
  const std::string id = IdOf(job).ToString();
  EXPECT_EQ(stored->id(), id);
  EXPECT_EQ(stored->name(), "jobs/" + id);
  EXPECT_EQ(stored->type(), "demo.echo");
  EXPECT_EQ(stored->queue(), "demo.echo");
  EXPECT_EQ(stored->priority(), v1::Job::HIGH);
  EXPECT_EQ(stored->state(), v1::Job::QUEUED);
  EXPECT_EQ(stored->revision(), 1);
  EXPECT_EQ(stored->attempt(), 0);
  EXPECT_EQ(stored->max_attempts(), 5);
  EXPECT_EQ(stored->failed_attempts(), 0);
  EXPECT_EQ(stored->labels().at("team"), "blue");
  EXPECT_EQ(stored->payload_content_type(), "application/json");
  EXPECT_EQ(stored->idempotency_key(), "order 4711");
  EXPECT_EQ(stored->lease().seconds(), 60);
  EXPECT_EQ(stored->retention().seconds(), 7200);
  EXPECT_EQ(stored->attempt_timeout().seconds(), 90);
  EXPECT_EQ(stored->create_time().seconds(), absl::ToUnixSeconds(IdOf(job).time()));
  EXPECT_TRUE(stored->has_update_time());
  EXPECT_FALSE(stored->has_run_at());
  EXPECT_EQ(stored->history_size(), 0);
  EXPECT_EQ(Get(IdOf(job)).SerializeAsString(), stored->SerializeAsString());
}

TEST_P(StateServiceConformance, FillsInTheDefaultsOfWhatASubmitLeavesOut) {
  internal::v1::NewJob job = NewJob();
  job.clear_max_attempts();
  const v1::Job stored = Get(Submit(job));
  EXPECT_EQ(stored.max_attempts(), 10);
  EXPECT_EQ(stored.lease().seconds(), 30);
  EXPECT_EQ(stored.retention().seconds(), 24 * 60 * 60);
  EXPECT_FALSE(stored.has_attempt_timeout());
  EXPECT_TRUE(stored.idempotency_key().empty());
}

TEST_P(StateServiceConformance, AnswersEachJobOfABatchInItsPlace) {
  std::vector<internal::v1::NewJob> jobs = {NewJob(), NewJob(), NewJob()};
  jobs[1].set_type("mail");
  const auto answers = caller_.Submit(jobs);
  ASSERT_TRUE(answers[0].ok()) << answers[0].status();
  EXPECT_EQ(answers[0]->id(), IdOf(jobs[0]).ToString());
  ExpectError(answers[1].status(), absl::StatusCode::kInvalidArgument, "UNKNOWN_TYPE");
  ASSERT_TRUE(answers[2].ok()) << answers[2].status();
  EXPECT_EQ(answers[2]->id(), IdOf(jobs[2]).ToString());
}

TEST_P(StateServiceConformance, AnswersEachBatchOfAStreamUnderItsNumber) {
  const auto line = caller_.OpenSubmitLine();
  for (const int64_t batch : {7, 3}) {
    internal::v1::SubmitRequest request;
    request.set_batch(batch);
    *request.add_jobs() = NewJob();
    ASSERT_TRUE(line->Send(request));
    const auto response = line->Read();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->batch(), batch);
    ASSERT_EQ(response->results_size(), 1);
    EXPECT_EQ(response->results(0).job().id(), IdOf(request.jobs(0)).ToString());
  }
  line->EndRequests();
  EXPECT_FALSE(line->Read().has_value());
  EXPECT_TRUE(line->Finish().ok());
}

TEST_P(StateServiceConformance, StoresAJobOnceHoweverOftenItIsSubmitted) {
  const internal::v1::NewJob job = NewJob();
  Submit(job);
  state_->Claim(IdOf(job));
  const auto again = caller_.Submit(job);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), IdOf(job).ToString());
  EXPECT_EQ(again->state(), v1::Job::RUNNING);
  EXPECT_EQ(again->revision(), 2);
  EXPECT_EQ(ListAll({}).size(), 1u);
}

TEST_P(StateServiceConformance, GivesNobodyTheJobOfAnotherTenantForItsId) {
  internal::v1::NewJob job = NewJob();
  Submit(job);
  job.set_tenant("other");
  EXPECT_EQ(caller_.Submit(job).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(StateServiceConformance, GivesTheJobOfThenForAKeyThatIsUsedAgain) {
  const JobId first = Submit(NewJobWithKey("k"));
  const internal::v1::NewJob again = NewJobWithKey("k");
  const auto stored = caller_.Submit(again);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->id(), first.ToString());
  ExpectError(caller_.Get(IdOf(again)).status(), absl::StatusCode::kNotFound, "JOB_NOT_FOUND");
}

TEST_P(StateServiceConformance, GivesTheSameJobForAKeyThatIsUsedTwiceInOneBatch) {
  const std::vector<internal::v1::NewJob> jobs = {NewJobWithKey("k"), NewJobWithKey("k")};
  const auto answers = caller_.Submit(jobs);
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->id(), IdOf(jobs[0]).ToString());
  }
}

TEST_P(StateServiceConformance, RefusesAKeyThatBelongsToAnotherRequest) {
  const JobId first = Submit(NewJobWithKey("k", 'a'));
  ExpectError(caller_.Submit(NewJobWithKey("k", 'b')).status(), absl::StatusCode::kAlreadyExists,
              "KEY_REUSED");
  EXPECT_EQ(ListAll({}), std::vector<JobId>{first});
}

TEST_P(StateServiceConformance, ComparesNoHashesOfDifferentVersions) {
  const JobId first = Submit(NewJobWithKey("k", 'a'));
  internal::v1::NewJob later = NewJobWithKey("k", 'b');
  later.set_request_hash_version(2);
  const auto stored = caller_.Submit(later);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->id(), first.ToString());
}

TEST_P(StateServiceConformance, KeepsTheKeysOfTenantsApart) {
  Submit(NewJobWithKey("k", 'a'));
  internal::v1::NewJob others = NewJobWithKey("k", 'b');
  others.set_tenant("other");
  const auto stored = caller_.Submit(others);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->id(), IdOf(others).ToString());
}

TEST_P(StateServiceConformance, RefusesAKeyWhoseJobIsDeleted) {
  const JobId first = Submit(NewJobWithKey("k"));
  ASSERT_TRUE(caller_.Cancel(first).ok());
  ASSERT_TRUE(caller_.Delete(first).ok());
  ExpectError(caller_.Submit(NewJobWithKey("k")).status(), absl::StatusCode::kFailedPrecondition,
              "JOB_DELETED");
}

TEST_P(StateServiceConformance, TakesAKeyForANewJobOnceItIsReleased) {
  const JobId first = Submit(NewJobWithKey("k", 'a'));
  ExpectError(caller_.ReleaseKey("k"), absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED");
  ASSERT_TRUE(caller_.Cancel(first).ok());
  EXPECT_TRUE(caller_.ReleaseKey("k").ok());
  EXPECT_TRUE(Get(first).idempotency_key().empty());
  const internal::v1::NewJob second = NewJobWithKey("k", 'b');
  const auto stored = caller_.Submit(second);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->id(), IdOf(second).ToString());
  EXPECT_EQ(stored->idempotency_key(), "k");
}

TEST_P(StateServiceConformance, ReleasesTheKeyOfADeletedJob) {
  const JobId first = Submit(NewJobWithKey("k"));
  ASSERT_TRUE(caller_.Cancel(first).ok());
  ASSERT_TRUE(caller_.Delete(first).ok());
  EXPECT_TRUE(caller_.ReleaseKey("k").ok());
  EXPECT_TRUE(caller_.Submit(NewJobWithKey("k")).ok());
}

TEST_P(StateServiceConformance, ReleasesNoKeyThatItsTenantHasNotUsed) {
  Submit(NewJobWithKey("k"));
  ExpectError(caller_.ReleaseKey("never"), absl::StatusCode::kNotFound, "KEY_NOT_FOUND");
  ExpectError(caller_.ReleaseKey("k", "other"), absl::StatusCode::kNotFound, "KEY_NOT_FOUND");
}

TEST_P(StateServiceConformance, RefusesATypeThatNobodyHasAnnounced) {
  internal::v1::NewJob job = NewJob();
  job.set_type("mail");
  const absl::Status refused = caller_.Submit(job).status();
  ExpectError(refused, absl::StatusCode::kInvalidArgument, "UNKNOWN_TYPE");
  EXPECT_THAT(std::string(refused.message()), StartsWith("`type`: \"mail\""));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("demo.echo")) << "names what is known";
  state_->Announce("mail", "mail");
  EXPECT_TRUE(caller_.Submit(job).ok());
}

TEST_P(StateServiceConformance, RefusesAQueueInWhichTheTypeMayNotWait) {
  state_->Announce("mail", "letters");
  internal::v1::NewJob job = NewJob();
  job.set_queue("letters");
  const absl::Status refused = caller_.Submit(job).status();
  ExpectError(refused, absl::StatusCode::kInvalidArgument, "UNKNOWN_QUEUE");
  EXPECT_THAT(std::string(refused.message()), StartsWith("`queue`: "));
}

TEST_P(StateServiceConformance, PutsAJobIntoTheQueueThatItNamesOrItsTypesOwn) {
  state_->Announce("demo.echo", "bulk");
  state_->Announce("mail", "letters");
  internal::v1::NewJob named = NewJob();
  named.set_queue("bulk");
  EXPECT_EQ(Get(Submit(named)).queue(), "bulk");
  EXPECT_EQ(Get(Submit()).queue(), "demo.echo") << "the one named like the type";
  internal::v1::NewJob mail = NewJob();
  mail.set_type("mail");
  EXPECT_EQ(Get(Submit(mail)).queue(), "letters");
}

TEST_P(StateServiceConformance, SchedulesAJobThatIsForLater) {
  internal::v1::NewJob delayed = NewJob();
  delayed.mutable_delay()->set_seconds(3600);
  const v1::Job later = Get(Submit(delayed));
  EXPECT_EQ(later.state(), v1::Job::SCHEDULED);
  EXPECT_TRUE(later.has_run_at());

  internal::v1::NewJob timed = NewJob();
  const int64_t at = absl::ToUnixSeconds(first_ + absl::Hours(5));
  timed.mutable_run_at()->set_seconds(at);
  const v1::Job then = Get(Submit(timed));
  EXPECT_EQ(then.state(), v1::Job::SCHEDULED);
  EXPECT_EQ(then.run_at().seconds(), at);

  internal::v1::NewJob past = NewJob();
  past.mutable_run_at()->set_seconds(absl::ToUnixSeconds(first_ - absl::Hours(5)));
  EXPECT_EQ(Get(Submit(past)).state(), v1::Job::QUEUED);
}

TEST_P(StateServiceConformance, RefusesAJobThatNoFrontendWouldSendAndStoresTheOthers) {
  std::vector<internal::v1::NewJob> jobs = {NewJob(), NewJob(), NewJob(), NewJob()};
  jobs[0].set_id("fifteen bytes..");
  jobs[1].set_tenant("");
  jobs[2].clear_priority();
  const auto answers = caller_.Submit(jobs);
  for (int i = 0; i < 3; ++i) {
    ExpectError(answers[i].status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  }
  EXPECT_TRUE(answers[3].ok()) << answers[3].status();
}

}  // namespace
}  // namespace buzzer::testing
