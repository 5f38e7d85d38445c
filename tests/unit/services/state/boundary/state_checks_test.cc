// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/boundary/state_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/job_id/job_id.h"
#include "common/limits/limits.h"

namespace buzzer::state {
namespace {

using internal::v1::ListJobsRequest;
using internal::v1::NewJob;

constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();

NewJob GoodJob() {
  NewJob job;
  job.set_id(std::string(JobId::Make(absl::FromUnixSeconds(1'800'000'000)).bytes()));
  job.set_tenant("default");
  job.set_type("demo.echo");
  job.set_priority(v1::Job::NORMAL);
  job.set_payload("{}");
  job.set_payload_content_type("application/json");
  job.set_payload_is_json(true);
  job.set_max_attempts(5);
  job.mutable_lease()->set_seconds(30);
  job.mutable_retention()->set_seconds(86400);
  return job;
}

template <typename Message>
void ExpectRefused(const Message& message, const std::string& field) {
  const absl::Status status = Check(message);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << field;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(absl::StrCat("`", field, "`")));
  EXPECT_LT(status.message().size(), 300u);
}

void ExpectRefusedAfter(const std::function<void(NewJob&)>& change, const std::string& field) {
  NewJob job = GoodJob();
  change(job);
  ExpectRefused(job, field);
}

TEST(StateChecks, TakeWhatAFrontendSends) {
  EXPECT_TRUE(Check(GoodJob()).ok());
  NewJob full = GoodJob();
  full.set_queue("bulk");
  full.set_idempotency_key("order-4711");
  full.set_request_hash(std::string(32, 'h'));
  full.set_request_hash_version(1);
  (*full.mutable_labels())["team/name"] = "K\xC3\xB6ln";
  full.mutable_run_at()->set_seconds(-5);  // Long past: it runs at once.
  full.mutable_deadline()->set_seconds(1);
  full.mutable_attempt_timeout()->set_seconds(1);
  full.set_payload(std::string(kMaxPayloadBytes, 'x'));
  EXPECT_TRUE(Check(full).ok()) << Check(full);
}

TEST(StateChecks, RefuseAJobWhoseIdIsNone) {
  for (const std::string& id : {std::string(), std::string(15, 'x'), std::string(17, 'x'),
                                std::string(16, '\0'), std::string(16, '\xff')}) {
    ExpectRefusedAfter([&](NewJob& job) { job.set_id(id); }, "id");
  }
}

TEST(StateChecks, RefuseAJobWhoseTextsCannotBe) {
  const std::string huge(1 << 20, 'a');
  for (const std::string& name :
       {std::string("A"), std::string("a\nb"), std::string(64, 'a'), huge}) {
    ExpectRefusedAfter([&](NewJob& job) { job.set_tenant(name); }, "tenant");
    ExpectRefusedAfter([&](NewJob& job) { job.set_type(name); }, "type");
    ExpectRefusedAfter([&](NewJob& job) { job.set_queue(name); }, "queue");
  }
  ExpectRefusedAfter([](NewJob& job) { job.set_tenant(""); }, "tenant");
  ExpectRefusedAfter([](NewJob& job) { job.set_type(""); }, "type");
  ExpectRefusedAfter([](NewJob& job) { job.set_payload_content_type(""); }, "payload_content_type");
  ExpectRefusedAfter([](NewJob& job) { job.set_payload_content_type("a/b\r\nX: y"); },
                     "payload_content_type");
  ExpectRefusedAfter([](NewJob& job) { job.set_payload(std::string(kMaxPayloadBytes + 1, 'x')); },
                     "payload");
}

TEST(StateChecks, RefuseAJobWhoseLabelsCannotBe) {
  ExpectRefusedAfter([](NewJob& job) { (*job.mutable_labels())[""] = "x"; }, "labels");
  ExpectRefusedAfter([](NewJob& job) { (*job.mutable_labels())["a b"] = "x"; }, "labels");
  ExpectRefusedAfter([](NewJob& job) { (*job.mutable_labels())["a"] = std::string(64, 'x'); },
                     "labels");
  ExpectRefusedAfter(
      [](NewJob& job) {
        for (int i = 0; i <= kMaxLabels; ++i) (*job.mutable_labels())[absl::StrCat("k", i)] = "";
      },
      "labels");
}

TEST(StateChecks, RefuseAJobWhoseKeyAndHashCannotBe) {
  ExpectRefusedAfter([](NewJob& job) { job.set_idempotency_key("k"); }, "request_hash");
  ExpectRefusedAfter([](NewJob& job) { job.set_request_hash(std::string(32, 'h')); },
                     "request_hash");
  for (const std::string& key :
       {std::string(256, 'k'), std::string("a\n"), std::string("\xC3\xA4")}) {
    ExpectRefusedAfter([&](NewJob& job) { job.set_idempotency_key(key); }, "idempotency_key");
  }
}

TEST(StateChecks, RefuseAJobWhoseNumbersCannotBe) {
  for (const int priority : {0, 4, -1, std::numeric_limits<int>::max()}) {
    ExpectRefusedAfter(
        [&](NewJob& job) { job.set_priority(static_cast<v1::Job::Priority>(priority)); },
        "priority");
  }
  for (const int32_t attempts : {-1, 101, std::numeric_limits<int32_t>::min()}) {
    ExpectRefusedAfter([&](NewJob& job) { job.set_max_attempts(attempts); }, "max_attempts");
  }
}

TEST(StateChecks, TakeAJobThatLeavesItsRetriesToTheHandler) {
  NewJob job = GoodJob();
  job.set_max_attempts(0);
  EXPECT_TRUE(Check(job).ok());
  job.mutable_retry();
  EXPECT_TRUE(Check(job).ok());
}

TEST(StateChecks, RefuseAJobWhoseRetryPolicyCannotBe) {
  ExpectRefusedAfter([](NewJob& job) { job.mutable_retry()->mutable_initial_delay(); },
                     "retry.initial_delay");
  ExpectRefusedAfter([](NewJob& job) { job.mutable_retry()->set_factor(1e300); }, "retry.factor");
  ExpectRefusedAfter(
      [](NewJob& job) { job.mutable_retry()->mutable_max_delay()->set_seconds(kMaxInt64); },
      "retry.max_delay");
  ExpectRefusedAfter([](NewJob& job) { job.mutable_retry()->set_jitter(-1); }, "retry.jitter");
  ExpectRefusedAfter([](NewJob& job) { job.mutable_retry()->add_final_reasons("a\nb"); },
                     "retry.final_reasons");
}

TEST(StateChecks, RefuseAJobWhoseTimesCannotBe) {
  const std::vector<std::pair<int64_t, int32_t>> kBad = {{kMaxInt64, 0},
                                                         {std::numeric_limits<int64_t>::min(), 0},
                                                         {1, -1},
                                                         {0, 1'000'000'000},
                                                         {-1, 0},
                                                         {0, std::numeric_limits<int32_t>::min()},
                                                         {400LL * 24 * 3600, 0}};
  for (const auto& [seconds, nanos] : kBad) {
    const auto set = [s = seconds, n = nanos](google::protobuf::Duration* duration) {
      duration->set_seconds(s);
      duration->set_nanos(n);
    };
    ExpectRefusedAfter([&](NewJob& job) { set(job.mutable_delay()); }, "delay");
    ExpectRefusedAfter([&](NewJob& job) { set(job.mutable_deadline()); }, "deadline");
    ExpectRefusedAfter([&](NewJob& job) { set(job.mutable_attempt_timeout()); }, "attempt_timeout");
    ExpectRefusedAfter([&](NewJob& job) { set(job.mutable_lease()); }, "lease");
    ExpectRefusedAfter([&](NewJob& job) { set(job.mutable_retention()); }, "retention");
  }
  for (const auto& [seconds, nanos] :
       std::vector<std::pair<int64_t, int32_t>>{{253'402'300'800, 0},
                                                {-62'135'596'801, 0},
                                                {kMaxInt64, 0},
                                                {0, -1},
                                                {0, 1'000'000'000}}) {
    ExpectRefusedAfter(
        [s = seconds, n = nanos](NewJob& job) {
          job.mutable_run_at()->set_seconds(s);
          job.mutable_run_at()->set_nanos(n);
        },
        "run_at");
  }
  ExpectRefusedAfter(
      [](NewJob& job) {
        job.mutable_run_at()->set_seconds(1);
        job.mutable_delay()->set_seconds(1);
      },
      "run_at");
}

TEST(StateChecks, RefuseABatchOfTooManyJobs) {
  internal::v1::SubmitRequest request;
  for (int i = 0; i < kMaxBatchJobs; ++i) request.add_jobs();
  EXPECT_TRUE(CheckCounts(request).ok());
  request.add_jobs();
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCounts(request)));
}

ListJobsRequest GoodList() {
  ListJobsRequest request;
  request.set_tenant("default");
  request.set_page_size(50);
  return request;
}

TEST(StateChecks, RefuseAListThatCannotBe) {
  EXPECT_TRUE(Check(GoodList()).ok());
  for (const int32_t size : {0, -1, 1001, std::numeric_limits<int32_t>::max()}) {
    ListJobsRequest request = GoodList();
    request.set_page_size(size);
    ExpectRefused(request, "page_size");
  }
  ListJobsRequest request = GoodList();
  request.set_before_id("short");
  ExpectRefused(request, "before_id");
  request = GoodList();
  request.set_state(static_cast<v1::Job::State>(99));
  ExpectRefused(request, "state");
  request = GoodList();
  request.set_type("Not A Name");
  ExpectRefused(request, "type");
  request = GoodList();
  request.set_queue("Not A Name");
  ExpectRefused(request, "queue");
  request = GoodList();
  (*request.mutable_labels())["not a key"] = "";
  ExpectRefused(request, "labels");
}

TEST(StateChecks, TakeABoundOfAListThatIsNoTime) {
  ListJobsRequest request = GoodList();
  request.mutable_created_until()->set_seconds(253'402'300'800);  // What the year 9999 ends with.
  EXPECT_TRUE(Check(request).ok());
}

template <typename Request>
void ExpectJobChecked() {
  Request request;
  request.set_tenant("default");
  ExpectRefused(request, "id");
  request.set_id(std::string(16, '\0'));  // No job has it: for the store to say.
  EXPECT_TRUE(Check(request).ok());
  request.set_tenant("Not A Tenant");
  ExpectRefused(request, "tenant");
}

TEST(StateChecks, RefuseACallAboutWhatIsNoJob) {
  ExpectJobChecked<internal::v1::GetJobRequest>();
  ExpectJobChecked<internal::v1::GetJobResultRequest>();
  ExpectJobChecked<internal::v1::CancelJobRequest>();
  ExpectJobChecked<internal::v1::RetryJobRequest>();
  ExpectJobChecked<internal::v1::DeleteJobRequest>();
}

TEST(StateChecks, RefuseACallAboutWhatIsNoQueue) {
  internal::v1::GetQueueRequest get;
  get.set_tenant("default");
  ExpectRefused(get, "queue");
  internal::v1::SetQueuePausedRequest pause;
  pause.set_tenant("default");
  pause.set_queue("a\nb");
  ExpectRefused(pause, "queue");
  ExpectRefused(internal::v1::ListQueuesRequest(), "tenant");
}

TEST(StateChecks, RefuseToForgetWhatIsNoName) {
  internal::v1::DeleteQueueRequest queue;
  ExpectRefused(queue, "queue");
  queue.set_queue("photos");
  EXPECT_TRUE(Check(queue).ok());
  internal::v1::DeleteTypeRequest type;
  type.set_type("a\nb");
  ExpectRefused(type, "type");
  type.set_type("images.thumbnails");
  EXPECT_TRUE(Check(type).ok());
}

TEST(StateChecks, RefuseToReleaseWhatIsNoKey) {
  internal::v1::ReleaseKeyRequest request;
  ExpectRefused(request, "tenant");
  request.set_tenant("default");
  for (const std::string& key : {std::string(), std::string(256, 'k'), std::string("a\nb")}) {
    request.set_idempotency_key(key);
    ExpectRefused(request, "idempotency_key");
  }
  request.set_idempotency_key("order-4711");
  EXPECT_TRUE(Check(request).ok());
}

TEST(StateChecks, RefuseAWatchOfNothing) {
  internal::v1::WatchRequest::Start start;
  start.set_tenant("default");
  start.set_job_id(std::string(16, 'i'));
  EXPECT_TRUE(Check(start).ok());
  start.set_after_revision(-1);
  ExpectRefused(start, "after_revision");
  start.set_job_id("x");
  ExpectRefused(start, "job_id");
  start.set_tenant("");
  ExpectRefused(start, "tenant");
}

}  // namespace
}  // namespace buzzer::state
