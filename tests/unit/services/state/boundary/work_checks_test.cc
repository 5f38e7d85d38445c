// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/boundary/work_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "services/state/boundary/limits.h"

namespace buzzer::state {
namespace {

using internal::v1::Claim;
using internal::v1::Hello;
using internal::v1::Outcome;
using internal::v1::ProgressReport;

const std::string kId(16, 'i');

void Serve(const std::string& type, const std::string& queue, Hello* hello) {
  auto* served = hello->add_types();
  served->set_type(type);
  served->set_queue(queue);
}

Hello GoodHello() {
  Hello hello;
  hello.set_worker("host-17-0a1b2c");
  hello.set_slots(8);
  Serve("demo.echo", "demo.echo", &hello);
  auto* queue = hello.add_queues();
  queue->set_queue("demo.echo");
  queue->set_slots(8);
  queue->set_prefetch(8);
  return hello;
}

Claim GoodClaim() {
  Claim claim;
  claim.set_claim_id(kId);
  claim.set_job_id(kId);
  claim.set_intent(Claim::INTENT_RUN);
  return claim;
}

template <typename Message>
Message Leased() {
  Message message;
  message.set_job_id(kId);
  message.set_lease_id(kId);
  message.set_attempt(1);
  return message;
}

// Expects that the field is named.
template <typename Message>
void ExpectRefused(const Message& message, const std::string& field) {
  const absl::Status status = Check(message);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << field;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(absl::StrCat("`", field, "`")));
  EXPECT_LT(status.message().size(), 300u);
}

TEST(WorkChecks, TakeWhatWorkersSendTodayAndSentBefore) {
  EXPECT_TRUE(Check(GoodHello()).ok());
  Hello old;  // No version, a queue without a channel, a host's name that is not ASCII.
  old.set_worker("b\xC3\xBCro-1-a");
  EXPECT_TRUE(Check(old).ok());
  Hello new_one = GoodHello();
  new_one.set_version("0.2.0 2a8487d Release");
  EXPECT_TRUE(Check(new_one).ok());
  EXPECT_TRUE(Check(GoodClaim()).ok());
  EXPECT_TRUE(Check(Leased<internal::v1::Renewal>()).ok());
  EXPECT_TRUE(Check(Leased<ProgressReport>()).ok());
}

TEST(WorkChecks, TakeAWorkerThatServesEveryQueue) {
  Hello hello = GoodHello();
  hello.clear_types();
  hello.clear_queues();
  for (size_t i = 0; i < kMaxQueues; ++i) {
    Serve(absl::StrCat("t", i), absl::StrCat("q", i), &hello);
    hello.add_queues()->set_queue(absl::StrCat("q", i));
  }
  EXPECT_TRUE(Check(hello).ok());
  Serve("one.more", "one.more", &hello);
  ExpectRefused(hello, "hello.types");
}

TEST(WorkChecks, RefuseAHelloWhoseWordsAboutTheBrokerAreNone) {
  Hello hello = GoodHello();
  hello.mutable_queues(0)->set_problem(std::string(513, 'p'));
  ExpectRefused(hello, "hello.queues[0].problem");
  hello.mutable_queues(0)->set_problem("a\nb");
  ExpectRefused(hello, "hello.queues[0].problem");
  hello.mutable_queues(0)->set_problem("the broker is away");
  hello.set_broker_queue_prefix(std::string(127, 'p'));
  EXPECT_TRUE(Check(hello).ok());
  hello.set_broker_queue_prefix(std::string(128, 'p'));
  ExpectRefused(hello, "hello.broker_queue_prefix");
  hello.set_broker_queue_prefix("buzzer\x1b[2J");
  ExpectRefused(hello, "hello.broker_queue_prefix");
}

TEST(WorkChecks, RefuseAHelloWhoseNamesAreNone) {
  for (const std::string& worker : {std::string(), std::string(128, 'w'), std::string("a\nb"),
                                    std::string("a\0b", 3), std::string("\x7f")}) {
    Hello hello = GoodHello();
    hello.set_worker(worker);
    ExpectRefused(hello, "hello.worker");
  }
  for (const std::string& version : {std::string(128, 'v'), std::string("1.0\n")}) {
    Hello hello = GoodHello();
    hello.set_version(version);
    ExpectRefused(hello, "hello.version");
  }
  for (const std::string& name : {std::string(), std::string("A"), std::string("a\nb"),
                                  std::string(64, 'a'), std::string("\xC3\xA4")}) {
    Hello hello = GoodHello();
    Serve(name, "demo.echo", &hello);
    ExpectRefused(hello, "hello.types[1].type");
    hello = GoodHello();
    Serve("demo.echo", name, &hello);
    ExpectRefused(hello, "hello.types[1].queue");
    hello = GoodHello();
    hello.add_queues()->set_queue(name);
    ExpectRefused(hello, "hello.queues[1].queue");
  }
}

TEST(WorkChecks, RefuseAHelloWhoseNumbersCannotBe) {
  for (const int32_t number : {-1, std::numeric_limits<int32_t>::min(),
                               std::numeric_limits<int32_t>::max(), kMaxSlotsOfAWorker + 1}) {
    Hello hello = GoodHello();
    hello.set_slots(number);
    ExpectRefused(hello, "hello.slots");
    hello = GoodHello();
    hello.mutable_queues(0)->set_slots(number);
    ExpectRefused(hello, "hello.queues[0].slots");
    hello = GoodHello();
    hello.mutable_queues(0)->set_prefetch(number);
    ExpectRefused(hello, "hello.queues[0].prefetch");
    hello = GoodHello();
    hello.mutable_types(0)->set_slots(number);
    ExpectRefused(hello, "hello.types[0].slots");
    hello = GoodHello();
    hello.mutable_types(0)->set_idle_slots(number);
    ExpectRefused(hello, "hello.types[0].idle_slots");
  }
}

TEST(WorkChecks, RefuseAHelloOfTooManyOrOfOneQueueTwice) {
  Hello hello = GoodHello();
  for (int i = 0; i < kMaxTypesOfAWorker; ++i) Serve(absl::StrCat("t", i), "demo.echo", &hello);
  ExpectRefused(hello, "hello.types");
  hello = GoodHello();
  for (int i = 0; i < kMaxQueuesOfAWorker; ++i) hello.add_queues()->set_queue("demo.echo");
  ExpectRefused(hello, "hello.queues");
  hello = GoodHello();
  hello.add_queues()->set_queue("demo.echo");
  ExpectRefused(hello, "hello.queues[1].queue");
}

TEST(WorkChecks, RefuseAClaimThatIsNone) {
  for (const std::string& id : {std::string(), std::string(15, 'x'), std::string(1 << 20, 'x')}) {
    Claim claim = GoodClaim();
    claim.set_claim_id(id);
    ExpectRefused(claim, "claim_id");
    claim = GoodClaim();
    claim.set_job_id(id);
    ExpectRefused(claim, "job_id");
  }
  for (const int intent : {0, 4, -1, 1000}) {
    Claim claim = GoodClaim();
    claim.set_intent(static_cast<Claim::Intent>(intent));
    ExpectRefused(claim, "intent");
  }
}

TEST(WorkChecks, RefuseAClaimWhoseTimesCannotBe) {
  const auto set = [](int64_t seconds, int32_t nanos, google::protobuf::Duration* duration) {
    duration->set_seconds(seconds);
    duration->set_nanos(nanos);
  };
  for (const auto& [seconds, nanos] :
       std::vector<std::pair<int64_t, int32_t>>{{-1, 0},
                                                {0, -1},
                                                {1, -1},
                                                {0, 1'000'000'000},
                                                {0, std::numeric_limits<int32_t>::min()},
                                                {std::numeric_limits<int64_t>::max(), 0},
                                                {std::numeric_limits<int64_t>::min(), 0},
                                                {366 * 24 * 3600, 1}}) {
    Claim claim = GoodClaim();
    set(seconds, nanos, claim.mutable_grace());
    ExpectRefused(claim, "grace");
    claim = GoodClaim();
    set(seconds, nanos, claim.mutable_attempt_timeout());
    ExpectRefused(claim, "attempt_timeout");
  }
  Claim claim = GoodClaim();
  set(int64_t{8760} * 3600, 0, claim.mutable_grace());  // An older worker may say so.
  set(0, 0, claim.mutable_attempt_timeout());
  EXPECT_TRUE(Check(claim).ok());
}

TEST(WorkChecks, RefuseAClaimWhoseRetriesCannotBe) {
  for (const int32_t attempts : {-1, 101, std::numeric_limits<int32_t>::min()}) {
    Claim claim = GoodClaim();
    claim.set_max_attempts(attempts);
    ExpectRefused(claim, "max_attempts");
  }
  Claim claim = GoodClaim();
  claim.mutable_retry()->mutable_initial_delay()->set_nanos(-1);
  ExpectRefused(claim, "retry.initial_delay");
  claim = GoodClaim();
  claim.mutable_retry()->set_factor(std::nan(""));
  ExpectRefused(claim, "retry.factor");
  claim = GoodClaim();
  claim.set_max_attempts(100);
  claim.mutable_retry()->set_jitter(1);
  EXPECT_TRUE(Check(claim).ok());
}

template <typename Message>
void ExpectLeaseChecked(const Message& good) {
  Message message = good;
  message.set_job_id("x");
  ExpectRefused(message, "job_id");
  message = good;
  message.set_lease_id(std::string(17, 'x'));
  ExpectRefused(message, "lease_id");
  for (const int32_t attempt : {0, -1, std::numeric_limits<int32_t>::min()}) {
    message = good;
    message.set_attempt(attempt);
    ExpectRefused(message, "attempt");
  }
}

TEST(WorkChecks, RefuseWhatIsOfNoLease) {
  ExpectLeaseChecked(Leased<internal::v1::Renewal>());
  ExpectLeaseChecked(Leased<ProgressReport>());
  ExpectLeaseChecked(Leased<Outcome>());
}

TEST(WorkChecks, RefuseAnOutcomeThatSaysNothing) {
  ExpectRefused(Leased<Outcome>(), "outcome");
  Outcome outcome = Leased<Outcome>();
  outcome.mutable_handed_back();
  EXPECT_TRUE(Check(outcome).ok());
}

TEST(WorkChecks, RefuseAMessageOfTooManyParts) {
  internal::v1::WorkRequest request;
  for (int i = 0; i < kMaxItemsOfAMessage; ++i) request.add_claims();
  EXPECT_TRUE(CheckCounts(request).ok());
  request.add_claims();
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCounts(request)));
}

TEST(WorkChecks, MendAnErrorSoThatItCanBeKept) {
  Outcome outcome = Leased<Outcome>();
  auto* error = outcome.mutable_failure();
  error->set_reason("A\nB");
  for (int i = 0; i < 3000; ++i) error->mutable_message()->append("\xC3\xA4");
  error->set_detail(std::string(1 << 20, 'd'));
  Mend(&outcome);
  EXPECT_EQ(outcome.failure().reason(), "HANDLER_FAILED");
  EXPECT_EQ(outcome.failure().message().size(), kMaxErrorMessageBytes);
  EXPECT_EQ(outcome.failure().detail().size(), kMaxErrorDetailBytes);
  error->set_reason(std::string(1000, 'R'));
  Mend(&outcome);
  EXPECT_EQ(outcome.failure().reason().size(), kMaxErrorReasonBytes);
  error->set_reason("MY_OWN reason");
  Mend(&outcome);
  EXPECT_EQ(outcome.failure().reason(), "MY_OWN reason");
}

TEST(WorkChecks, MendAWaitBeforeTheNextAttemptSoThatItCanBeKept) {
  const auto mended = [](int64_t seconds, int32_t nanos) {
    Outcome outcome = Leased<Outcome>();
    outcome.mutable_failure()->mutable_retry_after()->set_seconds(seconds);
    outcome.mutable_failure()->mutable_retry_after()->set_nanos(nanos);
    Mend(&outcome);
    return outcome.failure();
  };
  EXPECT_EQ(mended(30, 5).retry_after().seconds(), 30);
  EXPECT_EQ(mended(30, 5).retry_after().nanos(), 5);
  EXPECT_EQ(mended(86'400, 1).retry_after().seconds(), 86'400);
  EXPECT_EQ(mended(86'400, 1).retry_after().nanos(), 0);
  EXPECT_FALSE(mended(-1, 0).has_retry_after());
  EXPECT_FALSE(mended(1, -1).has_retry_after());
  EXPECT_FALSE(mended(std::numeric_limits<int64_t>::max(), 0).has_retry_after());
}

TEST(WorkChecks, MendAResultSoThatItCanBeKept) {
  Outcome outcome = Leased<Outcome>();
  outcome.mutable_success()->set_content_type("image/png\r\nX-Forged: yes");
  Mend(&outcome);
  EXPECT_EQ(outcome.success().content_type(), "application/octet-stream");
  outcome.mutable_success()->set_content_type("text/plain; charset=utf-8");
  Mend(&outcome);
  EXPECT_EQ(outcome.success().content_type(), "text/plain; charset=utf-8");
  outcome.mutable_success()->set_result(std::string(kMaxResultBytes + 1, 'x'));
  Mend(&outcome);
  ASSERT_TRUE(outcome.has_failure());
  EXPECT_EQ(outcome.failure().reason(), "RESULT_TOO_LARGE");
}

TEST(WorkChecks, MendAProgressSoThatItCanBeKeptAndTold) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto& [reported, kept] : std::vector<std::pair<double, double>>{
           {0.5, 0.5}, {std::nan(""), 0}, {kInfinity, 1}, {-kInfinity, 0}, {-1, 0}, {2, 1}}) {
    ProgressReport report = Leased<ProgressReport>();
    report.mutable_progress()->set_fraction(reported);
    Mend(&report);
    EXPECT_EQ(report.progress().fraction(), kept);
  }
}

// Lists in each other.
google::protobuf::Value Nested(int depth) {
  google::protobuf::Value value;
  if (depth == 0) {
    value.set_number_value(1);
  } else {
    *value.mutable_list_value()->add_values() = Nested(depth - 1);
  }
  return value;
}

bool KeepsData(const google::protobuf::Value& data) {
  ProgressReport report = Leased<ProgressReport>();
  *report.mutable_progress()->mutable_data() = data;
  Mend(&report);
  return report.progress().has_data();
}

TEST(WorkChecks, LeaveOutDataThatCannotBeTold) {
  EXPECT_TRUE(KeepsData(Nested(kMaxJsonDepth)));
  EXPECT_FALSE(KeepsData(Nested(kMaxJsonDepth + 1)));
  google::protobuf::Value value;
  EXPECT_FALSE(KeepsData(value)) << "unset";
  (*value.mutable_struct_value()->mutable_fields())["a"];
  EXPECT_FALSE(KeepsData(value)) << "unset within";
  (*value.mutable_struct_value()->mutable_fields())["a"].set_number_value(std::nan(""));
  EXPECT_FALSE(KeepsData(value));
  (*value.mutable_struct_value()->mutable_fields())["a"].set_string_value("");
  EXPECT_TRUE(KeepsData(value));
  value.set_string_value(std::string(kMaxProgressBytes, 'x'));
  EXPECT_FALSE(KeepsData(value));
  // The widest that is 16 KiB of JSON: "[0,0,...]".
  value.Clear();
  for (size_t i = 0; i < kMaxProgressDataBytes / 2; ++i) {
    value.mutable_list_value()->add_values()->set_number_value(0);
  }
  EXPECT_TRUE(KeepsData(value));
}

}  // namespace
}  // namespace buzzer::state
