// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "google/rpc/error_details.pb.h"

namespace buzzer::frontend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr int64_t kDay = 86'400;

v1::SubmitJobRequest Request() {
  v1::SubmitJobRequest request;
  request.set_type("demo.echo");
  return request;
}

void SetLabel(v1::SubmitJobRequest* request, const std::string& key, std::string value) {
  (*request->mutable_labels())[key] = std::move(value);
}

SubmitContext Context() {
  SubmitContext context;
  context.tenant = "default";
  context.id = JobId::Make(kNow);
  context.now = kNow;
  return context;
}

absl::StatusOr<internal::v1::NewJob> Make(const v1::SubmitJobRequest& request) {
  return MakeNewJob(request, Context());
}

// Names of the faulty fields.
std::vector<std::string> Fields(const absl::Status& status) {
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  google::rpc::BadRequest bad_request;
  if (payload.has_value()) bad_request.ParseFromString(std::string(*payload));
  std::vector<std::string> fields;
  for (const auto& violation : bad_request.field_violations()) fields.push_back(violation.field());
  return fields;
}

// The one faulty field of a request that was changed so; "" if it is taken.
std::string FaultOf(const std::function<void(v1::SubmitJobRequest*)>& change) {
  v1::SubmitJobRequest request = Request();
  change(&request);
  const auto job = Make(request);
  if (job.ok()) return "";
  EXPECT_TRUE(absl::IsInvalidArgument(job.status()));
  const std::vector<std::string> fields = Fields(job.status());
  EXPECT_EQ(fields.size(), 1u) << job.status();
  EXPECT_THAT(std::string(job.status().message()), HasSubstr(absl::StrCat("`", fields[0], "`: ")));
  return fields[0];
}

TEST(MakeNewJob, FillsInTheDefaults) {
  const auto job = Make(Request());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->id().size(), 16u);
  EXPECT_EQ(job->tenant(), "default");
  EXPECT_EQ(job->type(), "demo.echo");
  EXPECT_EQ(job->queue(), "");
  EXPECT_EQ(job->priority(), v1::Job::NORMAL);
  EXPECT_EQ(job->payload(), "null");
  EXPECT_TRUE(job->payload_is_json());
  EXPECT_EQ(job->payload_content_type(), "application/json");
  // The handler of the type may have a say in these.
  EXPECT_EQ(job->max_attempts(), 0);
  EXPECT_FALSE(job->has_retry());
  EXPECT_EQ(job->lease().seconds(), 30);
  EXPECT_EQ(job->retention().seconds(), kDay);
  EXPECT_FALSE(job->has_run_at() || job->has_delay() || job->has_deadline() ||
               job->has_attempt_timeout());
  EXPECT_EQ(job->idempotency_key(), "");
  EXPECT_EQ(job->request_hash(), "");
}

TEST(MakeNewJob, TakesEveryFieldOver) {
  v1::SubmitJobRequest request = Request();
  request.set_queue("photos");
  request.set_priority(v1::Job::HIGH);
  request.set_payload_bytes("bytes");
  request.set_payload_content_type("image/png");
  SetLabel(&request, "user", "Ann");
  request.set_idempotency_key("key");
  request.mutable_delay()->set_seconds(5);
  request.mutable_deadline()->set_seconds(60);
  request.mutable_attempt_timeout()->set_seconds(30);
  request.set_max_attempts(7);
  request.mutable_lease()->set_seconds(10);
  request.mutable_retention()->set_seconds(100);
  request.mutable_retry()->mutable_initial_delay()->set_seconds(30);
  request.mutable_retry()->set_jitter(0);
  request.mutable_retry()->add_final_reasons("NO_INK");
  const auto job = Make(request);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->queue(), "photos");
  EXPECT_EQ(job->priority(), v1::Job::HIGH);
  EXPECT_EQ(job->payload(), "bytes");
  EXPECT_FALSE(job->payload_is_json());
  EXPECT_EQ(job->payload_content_type(), "image/png");
  EXPECT_EQ(job->labels().at("user"), "Ann");
  EXPECT_EQ(job->idempotency_key(), "key");
  EXPECT_EQ(job->request_hash().size(), 32u);
  EXPECT_EQ(job->request_hash_version(), 1);
  EXPECT_EQ(job->delay().seconds(), 5);
  EXPECT_EQ(job->deadline().seconds(), 60);
  EXPECT_EQ(job->attempt_timeout().seconds(), 30);
  EXPECT_EQ(job->max_attempts(), 7);
  EXPECT_EQ(job->lease().seconds(), 10);
  EXPECT_EQ(job->retention().seconds(), 100);
  EXPECT_EQ(job->retry().SerializeAsString(), request.retry().SerializeAsString());
}

TEST(MakeNewJob, NamesEachFaultyField) {
  using R = v1::SubmitJobRequest*;
  EXPECT_EQ(FaultOf([](R r) { r->clear_type(); }), "type");
  EXPECT_EQ(FaultOf([](R r) { r->set_type("Demo"); }), "type");
  EXPECT_EQ(FaultOf([](R r) { r->set_type(std::string(64, 'a')); }), "type");
  EXPECT_EQ(FaultOf([](R r) { r->set_queue("a b"); }), "queue");
  EXPECT_EQ(FaultOf([](R r) { r->set_priority(static_cast<v1::Job::Priority>(9)); }), "priority");
  EXPECT_EQ(FaultOf([](R r) {
              r->mutable_payload();
              r->set_payload_bytes("x");
            }),
            "payload");
  EXPECT_EQ(FaultOf([](R r) {
              r->mutable_payload();
              r->set_payload_content_type("a/b");
            }),
            "payload");
  EXPECT_EQ(FaultOf([](R r) {
              r->mutable_payload()->set_number_value(std::numeric_limits<double>::infinity());
            }),
            "payload");
  for (const char* type :
       {"png", "image/", "/png", "image/png\n", "image png", "image/pn g; x", "imagé/png"}) {
    EXPECT_EQ(FaultOf([type](R r) { r->set_payload_content_type(type); }), "payload_content_type")
        << type;
  }
  EXPECT_EQ(
      FaultOf([](R r) { r->set_payload_content_type(absl::StrCat("a/", std::string(126, 'b'))); }),
      "payload_content_type");
  EXPECT_EQ(FaultOf([](R r) { r->set_payload_content_type("text/plain ; charset=\"utf-8\""); }),
            "");
  EXPECT_EQ(FaultOf([](R r) { r->set_max_attempts(-1); }), "max_attempts");
  EXPECT_EQ(FaultOf([](R r) { r->set_max_attempts(101); }), "max_attempts");
  EXPECT_EQ(FaultOf([](R r) { r->set_max_attempts(100); }), "");
}

TEST(MakeNewJob, NamesEachFaultyFieldOfARetryPolicy) {
  using R = v1::RetryPolicy*;
  const auto fault = [](const std::function<void(R)>& change) {
    return FaultOf([&](v1::SubmitJobRequest* r) { change(r->mutable_retry()); });
  };
  EXPECT_EQ(fault([](R) {}), "");
  EXPECT_EQ(fault([](R r) { r->mutable_initial_delay()->set_nanos(99'999'999); }),
            "retry.initial_delay");
  EXPECT_EQ(fault([](R r) { r->set_factor(0.5); }), "retry.factor");
  EXPECT_EQ(fault([](R r) { r->set_factor(std::nan("")); }), "retry.factor");
  EXPECT_EQ(fault([](R r) { r->mutable_max_delay()->set_seconds(7 * kDay + 1); }),
            "retry.max_delay");
  EXPECT_EQ(fault([](R r) {
              r->mutable_initial_delay()->set_seconds(60);
              r->mutable_max_delay()->set_seconds(59);
            }),
            "retry.max_delay");
  EXPECT_EQ(fault([](R r) { r->set_jitter(25); }), "retry.jitter");
  EXPECT_EQ(fault([](R r) { r->add_final_reasons("not found"); }), "retry.final_reasons");
  EXPECT_EQ(fault([](R r) {
              for (int i = 0; i < 17; ++i) r->add_final_reasons("NO_INK");
            }),
            "retry.final_reasons");
}

TEST(MakeNewJob, BoundsLabels) {
  using R = v1::SubmitJobRequest*;
  EXPECT_EQ(FaultOf([](R r) {
              for (int i = 0; i < 32; ++i) SetLabel(r, absl::StrCat("k", i), "v");
            }),
            "");
  EXPECT_EQ(FaultOf([](R r) {
              for (int i = 0; i < 33; ++i) SetLabel(r, absl::StrCat("k", i), "v");
            }),
            "labels");
  for (const std::string& key : {std::string(), std::string(64, 'k'), std::string("a b"),
                                 std::string("é"), std::string("a\r\nb")}) {
    EXPECT_EQ(FaultOf([&](R r) { SetLabel(r, key, "v"); }), "labels") << key;
  }
  EXPECT_EQ(FaultOf([](R r) { SetLabel(r, "aZ9._-/", ""); }), "");
  EXPECT_EQ(FaultOf([](R r) { SetLabel(r, "k", std::string(63, 'v')); }), "");
  EXPECT_EQ(FaultOf([](R r) { SetLabel(r, "k", std::string(64, 'v')); }), "labels");
  std::string umlauts;
  for (int i = 0; i < 63; ++i) umlauts += "ü";
  EXPECT_EQ(FaultOf([&](R r) { SetLabel(r, "k", umlauts); }), "");
}

TEST(MakeNewJob, BoundsDurations) {
  struct Case {
    std::string field;
    std::function<google::protobuf::Duration*(v1::SubmitJobRequest*)> of;
    int64_t min;
    int64_t max;
  };
  const std::vector<Case> kCases = {
      {"delay", [](auto* r) { return r->mutable_delay(); }, 0, 366 * kDay},
      {"deadline", [](auto* r) { return r->mutable_deadline(); }, 1, 366 * kDay},
      {"attempt_timeout", [](auto* r) { return r->mutable_attempt_timeout(); }, 1, 30 * kDay},
      {"lease", [](auto* r) { return r->mutable_lease(); }, 5, 3600},
      {"retention", [](auto* r) { return r->mutable_retention(); }, 1, 366 * kDay},
  };
  for (const Case& a_case : kCases) {
    const auto fault = [&](int64_t seconds, int32_t nanos) {
      return FaultOf([&](v1::SubmitJobRequest* r) {
        a_case.of(r)->set_seconds(seconds);
        a_case.of(r)->set_nanos(nanos);
      });
    };
    EXPECT_EQ(fault(a_case.min, 0), "") << a_case.field;
    EXPECT_EQ(fault(a_case.max, 0), "") << a_case.field;
    EXPECT_EQ(fault(a_case.max, 1), a_case.field);
    EXPECT_EQ(fault(a_case.min - 1, a_case.min == 0 ? 0 : 999'999'999), a_case.field);
    EXPECT_EQ(fault(-1, 0), a_case.field);
    EXPECT_EQ(fault(a_case.min + 1, -1), a_case.field);
    EXPECT_EQ(fault(a_case.min, 1'000'000'000), a_case.field);
    EXPECT_EQ(fault(std::numeric_limits<int64_t>::max(), 0), a_case.field);
    EXPECT_EQ(fault(std::numeric_limits<int64_t>::min(), std::numeric_limits<int32_t>::min()),
              a_case.field);
  }
}

TEST(MakeNewJob, TakesRunAtInThePastAndUpToAYearAhead) {
  const int64_t now = absl::ToUnixSeconds(kNow);
  const auto fault = [](int64_t seconds, int32_t nanos) {
    return FaultOf([&](v1::SubmitJobRequest* r) {
      r->mutable_run_at()->set_seconds(seconds);
      r->mutable_run_at()->set_nanos(nanos);
    });
  };
  EXPECT_EQ(fault(now - 1000, 0), "");
  EXPECT_EQ(fault(now + 366 * kDay, 0), "");
  EXPECT_EQ(fault(now + 366 * kDay + 1, 0), "run_at");
  EXPECT_EQ(fault(now, -1), "run_at");
  EXPECT_EQ(fault(now, 1'000'000'000), "run_at");
  EXPECT_EQ(fault(std::numeric_limits<int64_t>::max(), 0), "run_at");
  EXPECT_EQ(fault(std::numeric_limits<int64_t>::min(), 0), "run_at");
  EXPECT_EQ(FaultOf([&](v1::SubmitJobRequest* r) {
              r->mutable_run_at()->set_seconds(now);
              r->mutable_delay();
            }),
            "run_at");
}

TEST(MakeNewJob, NamesAllFaultyFieldsAtOnce) {
  v1::SubmitJobRequest request;
  request.set_priority(static_cast<v1::Job::Priority>(9));
  request.set_max_attempts(-1);
  request.mutable_lease()->set_seconds(1);
  const absl::Status status = Make(request).status();
  EXPECT_THAT(Fields(status), ElementsAre("type", "priority", "max_attempts", "lease"));
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
}

TEST(MakeNewJob, KeepsItsErrorSmallHoweverMuchIsWrong) {
  v1::SubmitJobRequest request = Request();
  for (int i = 0; i < 32; ++i) {
    SetLabel(&request, std::string(100'000, static_cast<char>('a' + i % 26)) + std::to_string(i),
             "");
  }
  const absl::Status status = Make(request).status();
  EXPECT_EQ(Fields(status).size(), 20u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("and 12 more"));
  EXPECT_LT(status.message().size(), 5000u);
}

TEST(MakeNewJob, SaysThatAPayloadIsTooLarge) {
  v1::SubmitJobRequest bytes = Request();
  bytes.set_payload_bytes(std::string((1 << 20), 'x'));
  EXPECT_TRUE(Make(bytes).ok());
  bytes.mutable_payload_bytes()->push_back('x');
  EXPECT_EQ(ErrorReason(Make(bytes).status()), "TOO_LARGE");

  v1::SubmitJobRequest json = Request();
  json.mutable_payload()->set_string_value(std::string((1 << 20) - 2, 'x'));
  EXPECT_TRUE(Make(json).ok());
  json.mutable_payload()->mutable_string_value()->push_back('x');
  EXPECT_EQ(ErrorReason(Make(json).status()), "TOO_LARGE");
}

TEST(MakeNewJob, TakesTheKeyFromFieldOrHeader) {
  v1::SubmitJobRequest request = Request();
  SubmitContext context = Context();
  context.key_header = "\"from header\"";
  EXPECT_EQ(MakeNewJob(request, context)->idempotency_key(), "from header");
  request.set_idempotency_key("from header");
  EXPECT_EQ(MakeNewJob(request, context)->idempotency_key(), "from header");
  request.set_idempotency_key("from field");
  EXPECT_EQ(ErrorReason(MakeNewJob(request, context).status()), "KEY_MISMATCH");
}

TEST(MakeNewJob, RefusesKeysThatAreNone) {
  EXPECT_EQ(FaultOf([](auto* r) { r->set_idempotency_key(std::string(10'000, 'k')); }),
            "idempotency_key");
  EXPECT_EQ(FaultOf([](auto* r) { r->set_idempotency_key("a\r\nb"); }), "idempotency_key");
  for (const char* header : {"", "\"", "é"}) {
    SubmitContext context = Context();
    context.key_header = header;
    EXPECT_THAT(Fields(MakeNewJob(Request(), context).status()), ElementsAre("idempotency_key"));
  }
}

TEST(MakeNewJob, HashesTheSameRequestTheSameWayWhereverTheKeyStands) {
  v1::SubmitJobRequest request = Request();
  SubmitContext context = Context();
  context.key_header = "key";
  const std::string from_header = MakeNewJob(request, context)->request_hash();
  request.set_idempotency_key("key");
  EXPECT_EQ(Make(request)->request_hash(), from_header);
}

TEST(ParseTenant, TakesNamesAndDefaults) {
  EXPECT_EQ(ParseTenant(std::nullopt).value_or("error"), "default");
  EXPECT_EQ(ParseTenant("acme-1").value_or("error"), "acme-1");
  EXPECT_EQ(ParseTenant("0").value_or("error"), "0");
  EXPECT_TRUE(ParseTenant(std::string(63, 'a')).ok());
  for (const std::string& tenant :
       {std::string(), std::string("-a"), std::string("A"), std::string("a b"), std::string("a, b"),
        std::string(64, 'a'), std::string("é"), std::string("a_b")}) {
    EXPECT_FALSE(ParseTenant(tenant).ok()) << tenant;
  }
}

TEST(ParseJobName, KnowsNamesFromUnknownIds) {
  const JobId id = JobId::Make(kNow);
  EXPECT_EQ(ParseJobName(absl::StrCat("jobs/", id.ToString())).value_or(JobId()), id);
  for (const char* name : {"", "jobs", "jobs/", "job/1", "queues/a", "jobs/a/b", "/jobs/a"}) {
    EXPECT_EQ(ErrorReason(ParseJobName(name).status()), "INVALID_FIELD") << name;
  }
  for (const std::string& name : {std::string("jobs/1"), std::string("jobs/é\r\n"),
                                  absl::StrCat("jobs/", std::string(100'000, 'a'))}) {
    const absl::Status status = ParseJobName(name).status();
    EXPECT_TRUE(absl::IsNotFound(status));
    EXPECT_EQ(ErrorReason(status), "JOB_NOT_FOUND");
    EXPECT_LT(status.message().size(), 300u);
  }
}

TEST(ParseQueueName, KnowsNamesFromUnknownQueues) {
  EXPECT_EQ(ParseQueueName("queues/demo.echo").value_or("error"), "demo.echo");
  EXPECT_EQ(ErrorReason(ParseQueueName("demo.echo").status()), "INVALID_FIELD");
  EXPECT_EQ(ErrorReason(ParseQueueName("queues/A B").status()), "QUEUE_NOT_FOUND");
}

TEST(ParseWait, TakesUpTo23Seconds) {
  google::protobuf::Duration wait;
  EXPECT_EQ(*ParseWait("wait", wait), absl::ZeroDuration());
  wait.set_seconds(23);
  EXPECT_EQ(*ParseWait("wait", wait), absl::Seconds(23));
  wait.set_nanos(1);
  EXPECT_THAT(Fields(ParseWait("wait", wait).status()), ElementsAre("wait"));
  wait.set_seconds(-1);
  EXPECT_FALSE(ParseWait("wait", wait).ok());
}

TEST(ParseLastEventId, TakesRevisions) {
  EXPECT_EQ(ParseLastEventId("17").value_or(-1), 17);
  EXPECT_EQ(ParseLastEventId(" 0 ").value_or(-1), 0);
  EXPECT_EQ(ParseLastEventId("9223372036854775807").value_or(-1),
            std::numeric_limits<int64_t>::max());
  for (const char* header :
       {"", "-1", "+1", "1.5", "x", "1, 2", "9223372036854775808", "00000000000000000000001"}) {
    EXPECT_FALSE(ParseLastEventId(header).ok()) << header;
  }
}

}  // namespace
}  // namespace buzzer::frontend
