// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/dispatch.pb.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/services/worker/support/fake_consumer.h"
#include "tests/unit/services/worker/support/fake_handler.h"
#include "tests/unit/services/worker/support/fake_state_line.h"

namespace buzzer::worker {
namespace {

using internal::v1::Claim;
using internal::v1::WorkRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kNormal[] = "buzzer.work.normal";

// The whole core between a state service and a broker that are the test. The clock is a
// fake that stands still, so nothing is due unless the test says so.
class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override { Make(MakeConfig(2)); }
  void TearDown() override {
    handler_->StopNow();
    worker_.reset();
  }

  static Config MakeConfig(int slots) {
    Config config;
    config.slots = slots;
    config.drain_timeout = absl::ZeroDuration();
    config.state_outage_limit = absl::Minutes(10);
    HandlerConfig handler;
    handler.type = "work";
    handler.queue = "work";
    handler.concurrency = slots;
    handler.grace = absl::Seconds(10);
    handler.attempt_timeout = absl::Minutes(1);
    config.handlers = {handler};
    return config;
  }

  void Make(const Config& config) {
    worker_.reset();
    Worker::Options options;
    options.config = config;
    options.name = "worker-1";
    // The worker may be done with it before the test is.
    handler_ = std::make_shared<FakeHandler>();
    options.handlers["work"] = handler_;
    options.events = &events_;
    options.clock = &clock_;
    consumer_ = std::make_unique<FakeConsumer>();
    worker_ = std::make_unique<Worker>(std::move(options));
    line_ = std::make_unique<FakeStateLine>(worker_->session());
    worker_->Connect(line_.get());
    worker_->intake()->Start(consumer_.get());
    line_->Up();
    Settle();
  }
  // A channel that was opened just now is waited for; this one is not.
  void Settle() {
    clock_.Advance(absl::Milliseconds(50));
    worker_->intake()->Tick();
  }

  void Deliver(uint64_t tag, const std::vector<JobId>& jobs, const std::string& type = "work",
               const std::string& queue = kNormal) {
    worker_->intake()->OnBrokerDelivery(consumer_->Message(queue, tag, jobs, type));
  }

  // What the worker claims now.
  std::vector<Claim> TakeClaims() {
    const WorkRequest request = line_->Take();
    return {request.claims().begin(), request.claims().end()};
  }
  Claim TakeClaim() {
    const auto claims = TakeClaims();
    EXPECT_EQ(claims.size(), 1u);
    return claims.empty() ? Claim() : claims[0];
  }

  static internal::v1::Granted Granted(int attempt = 1) {
    internal::v1::Granted granted;
    granted.set_attempt(attempt);
    granted.set_lease_id("lease");
    granted.mutable_lease()->set_seconds(30);
    granted.set_type("work");
    granted.set_queue("work");
    return granted;
  }

  // The Hello that tells of so many idle slots, within some seconds.
  internal::v1::Hello AwaitIdle(int slots) {
    internal::v1::Hello hello;
    for (int i = 0; i < 5; ++i) {
      clock_.Advance(absl::Seconds(1));
      worker_->intake()->Tick();
      const WorkRequest request = line_->Take();
      if (request.has_hello()) hello = request.hello();
      if (request.has_hello() && hello.types(0).idle_slots() == slots) return hello;
    }
    ADD_FAILURE() << "no Hello tells of " << slots;
    return hello;
  }

  // A job that has been claimed and runs.
  JobId RunOne(uint64_t tag = 1, int attempt = 1) {
    const JobId job = NewId();
    Deliver(tag, {job});
    line_->Grant(TakeClaim(), Granted(attempt));
    EXPECT_TRUE(handler_->AwaitStarted(++started_));
    return job;
  }

  static JobId NewId() { return JobId::Make(absl::Now()); }
  static std::string Bytes(const JobId& job) { return std::string(job.bytes()); }

  testing::FakeClock clock_;
  WorkerEvents events_;
  std::unique_ptr<FakeConsumer> consumer_;
  std::unique_ptr<FakeStateLine> line_;
  std::unique_ptr<Worker> worker_;
  std::shared_ptr<FakeHandler> handler_;
  int started_ = 0;
};

TEST_F(WorkerTest, SaysWhoItIsAndWhatItConsumes) {
  const internal::v1::Hello hello = line_->Take().hello();
  EXPECT_EQ(hello.worker(), "worker-1");
  EXPECT_EQ(hello.slots(), 2);
  ASSERT_EQ(hello.types_size(), 1);
  EXPECT_EQ(hello.types(0).type(), "work");
  ASSERT_EQ(hello.queues_size(), 1);
  EXPECT_EQ(hello.queues(0).slots(), 2);
  EXPECT_EQ(hello.queues(0).prefetch(), 2);
  EXPECT_FALSE(hello.draining());
}

TEST_F(WorkerTest, ConsumesWithAPrefetchOfItsSlots) {
  EXPECT_NE(consumer_->ChannelOf("buzzer.work.high"), 0u);
  EXPECT_EQ(consumer_->PrefetchOf(kNormal), 2);
}

TEST_F(WorkerTest, ClaimsWithTheHandlersLimits) {
  const JobId job = NewId();
  Deliver(1, {job});
  const Claim claim = TakeClaim();
  EXPECT_EQ(claim.claim_id().size(), 16u);
  EXPECT_EQ(claim.job_id(), Bytes(job));
  EXPECT_EQ(claim.intent(), Claim::INTENT_RUN);
  EXPECT_EQ(claim.grace().seconds(), 10);
  EXPECT_EQ(claim.attempt_timeout().seconds(), 60);
}

TEST_F(WorkerTest, AcksOnlyWhenTheClaimIsAnswered) {
  Deliver(5, {NewId()});
  const Claim claim = TakeClaim();
  EXPECT_THAT(consumer_->acks(), IsEmpty());
  line_->Grant(claim, Granted());
  EXPECT_THAT(consumer_->acks(), ElementsAre(5));
  EXPECT_TRUE(handler_->AwaitStarted());
}

TEST_F(WorkerTest, AcksAndForgetsWhatIsGoneOrReturned) {
  Deliver(1, {NewId()});
  line_->SayGone(TakeClaim());
  Deliver(2, {NewId()});
  line_->SayReturned(TakeClaim(), internal::v1::Returned::REASON_PAUSED);
  EXPECT_THAT(consumer_->acks(), ElementsAre(1, 2));
  EXPECT_EQ(worker_->intake()->slots_busy(), 0);
  EXPECT_EQ(handler_->started(), 0);
}

TEST_F(WorkerTest, AcksAMessageOfSeveralJobsWhenEachIsAnswered) {
  const std::vector<JobId> jobs = {NewId(), NewId(), NewId()};
  Deliver(9, jobs);
  const auto first = TakeClaims();
  ASSERT_EQ(first.size(), 2u) << "there are two slots";
  line_->SayGone(first[0]);
  line_->SayGone(first[1]);
  EXPECT_THAT(consumer_->acks(), IsEmpty());
  const Claim last = TakeClaim();
  EXPECT_EQ(last.job_id(), Bytes(jobs[2]));
  line_->SayGone(last);
  EXPECT_THAT(consumer_->acks(), ElementsAre(9));
}

TEST_F(WorkerTest, GivesBackAJobThatItHasNoHandlerFor) {
  Deliver(1, {NewId()}, "other");
  const Claim claim = TakeClaim();
  EXPECT_EQ(claim.intent(), Claim::INTENT_RETURN_NO_HANDLER);
  EXPECT_EQ(worker_->intake()->slots_busy(), 0);
  line_->SayReturned(claim, internal::v1::Returned::REASON_NO_HANDLER);
  EXPECT_THAT(consumer_->acks(), ElementsAre(1));
}

TEST_F(WorkerTest, ClaimsNoMoreThanItHasSlots) {
  for (uint64_t tag = 1; tag <= 3; ++tag) Deliver(tag, {NewId()});
  const auto claims = TakeClaims();
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_THAT(TakeClaims(), IsEmpty());
  line_->SayGone(claims[0]);
  EXPECT_EQ(TakeClaims().size(), 1u);
}

TEST_F(WorkerTest, ReportsTheOutcomeAndRunsTheNextJob) {
  Make(MakeConfig(1));
  const JobId job = RunOne();
  Deliver(2, {NewId()});
  EXPECT_THAT(TakeClaims(), IsEmpty());
  handler_->Return(Success{"text/plain", "done"});
  // Both in one message or in two.
  internal::v1::Outcome outcome;
  bool claimed_next = false;
  line_->Await([&](const WorkRequest& request) {
    if (request.outcomes_size() > 0) outcome = request.outcomes(0);
    claimed_next |= request.claims_size() > 0;
    return outcome.has_success() && claimed_next;
  });
  EXPECT_EQ(outcome.job_id(), Bytes(job));
  EXPECT_EQ(outcome.attempt(), 1);
  EXPECT_EQ(outcome.lease_id(), "lease");
  EXPECT_EQ(outcome.success().result(), "done");
}

TEST_F(WorkerTest, KeepsItsChannelHoweverLongItIsFull) {
  RunOne(1);
  RunOne(2);
  const amqp::ChannelId channel = consumer_->ChannelOf(kNormal);
  for (int i = 0; i < 60; ++i) {
    clock_.Advance(absl::Minutes(1));
    worker_->intake()->Tick();
  }
  EXPECT_EQ(consumer_->ChannelOf(kNormal), channel);
}

TEST_F(WorkerTest, GivesBackThroughStateWhatItDidNotClaimForFiveMinutes) {
  RunOne(1);
  RunOne(2);
  const JobId waiting = NewId();
  Deliver(3, {waiting});
  EXPECT_THAT(TakeClaims(), IsEmpty());
  clock_.Advance(absl::Minutes(5));
  worker_->intake()->Tick();
  const Claim claim = TakeClaim();
  EXPECT_EQ(claim.intent(), Claim::INTENT_RETURN_DRAINING);
  EXPECT_EQ(claim.job_id(), Bytes(waiting));
  line_->SayReturned(claim, internal::v1::Returned::REASON_DRAINING);
  EXPECT_THAT(consumer_->acks(), ElementsAre(1, 2, 3));
}

TEST_F(WorkerTest, TellsWhichOfItsSlotsAreIdle) {
  EXPECT_EQ(AwaitIdle(2).types(0).slots(), 2);
  RunOne();
  AwaitIdle(1);
}

TEST_F(WorkerTest, ClaimsAJobThatStateOffersIfASlotIsFree) {
  const JobId job = NewId();
  line_->Offer(job, "work");
  const Claim claim = TakeClaim();
  EXPECT_EQ(claim.job_id(), Bytes(job));
  EXPECT_EQ(claim.intent(), Claim::INTENT_RUN);
  line_->Grant(claim, Granted());
  EXPECT_TRUE(handler_->AwaitStarted());
  EXPECT_THAT(consumer_->acks(), IsEmpty()) << "there was no message";
}

// State has counted one idle slot off, though the worker's number is the same as before.
TEST_F(WorkerTest, TellsItsIdleSlotsAgainAfterAnOfferThatCameToNothing) {
  AwaitIdle(2);
  line_->Offer(NewId(), "work");
  line_->SayGone(TakeClaim());
  AwaitIdle(2);
}

TEST_F(WorkerTest, ForgetsAnOfferThatItHasNoSlotForOrNoHandler) {
  line_->Offer(NewId(), "unknown");
  RunOne(1);
  RunOne(2);
  line_->Offer(NewId(), "work");
  EXPECT_THAT(TakeClaims(), IsEmpty());
}

TEST_F(WorkerTest, KeepsConsumingThroughAShortOutageOfStateAndRunsOn) {
  RunOne();
  const amqp::ChannelId channel = consumer_->ChannelOf(kNormal);
  line_->Down();
  EXPECT_EQ(consumer_->ChannelOf(kNormal), channel);
  Deliver(2, {NewId()});
  EXPECT_FALSE(handler_->was_cancelled());
  line_->Up();
  const WorkRequest request = line_->Take();
  EXPECT_EQ(request.renewals_size(), 1) << "every lease is renewed at once";
  EXPECT_EQ(request.claims_size(), 1) << "and what came meanwhile is claimed";
}

TEST_F(WorkerTest, StopsConsumingWhileStateIsDownForLong) {
  line_->Down();
  clock_.Advance(absl::Seconds(10));
  worker_->intake()->Tick();
  EXPECT_EQ(consumer_->ChannelOf(kNormal), 0u);
  line_->Up();
  EXPECT_NE(consumer_->ChannelOf(kNormal), 0u);
}

TEST_F(WorkerTest, ServesTheHandlersOfAnotherConfiguration) {
  Config config = MakeConfig(3);
  config.handlers[0].queue = "elsewhere";
  worker_->intake()->Reconfigure(config);
  const internal::v1::Hello hello = line_->Take().hello();
  EXPECT_EQ(hello.slots(), 3);
  EXPECT_EQ(hello.types(0).queue(), "elsewhere");
  EXPECT_EQ(consumer_->ChannelOf(kNormal), 0u);
  EXPECT_NE(consumer_->ChannelOf("buzzer.elsewhere.normal"), 0u);
}

TEST_F(WorkerTest, FreesTheSlotOfATypeThatHasNoHandlerAnyMore) {
  RunOne();
  Config config = MakeConfig(2);
  config.handlers[0].type = config.handlers[0].queue = "other";
  worker_->intake()->Reconfigure(config);
  EXPECT_EQ(worker_->intake()->slots_busy(), 1);
  handler_->Return(Success{});
  line_->AnswerOutcome(line_->AwaitOutcome());
  while (worker_->intake()->slots_busy() > 0) std::this_thread::yield();
}

TEST_F(WorkerTest, SaysWhyItTakesNothing) {
  consumer_->LoseAll();
  worker_->intake()->OnBrokerDown();
  EXPECT_EQ(line_->Take().hello().queues(0).problem(), "it is not connected to the broker");
  worker_->intake()->OnBrokerUnreachable("it refuses\nthe password");
  EXPECT_EQ(line_->Take().hello().queues(0).problem(),
            "it is not connected to the broker: it refuses?the password");
  worker_->intake()->OnBrokerUp();
  EXPECT_EQ(line_->Take().hello().queues(0).problem(), "");
}

TEST_F(WorkerTest, RunsAGrantThatWasCommittedBeforeTheLineBroke) {
  Deliver(1, {NewId()});
  const Claim claim = TakeClaim();
  line_->Down();
  line_->Up();
  const Claim repeated = TakeClaim();
  EXPECT_EQ(repeated.claim_id(), claim.claim_id());
  line_->Grant(repeated, Granted());
  EXPECT_TRUE(handler_->AwaitStarted());
  EXPECT_THAT(consumer_->acks(), ElementsAre(1));
}

TEST_F(WorkerTest, ConsumesAgainWhenTheBrokerIsBack) {
  RunOne();
  consumer_->LoseAll();
  worker_->intake()->OnBrokerDown();
  EXPECT_EQ(line_->Take().hello().queues(0).prefetch(), 0);
  EXPECT_FALSE(handler_->was_cancelled());
  worker_->intake()->OnBrokerUp();
  EXPECT_NE(consumer_->ChannelOf(kNormal), 0u);
}

TEST_F(WorkerTest, WaitsForAQueueThatDoesNotExistYet) {
  const amqp::ChannelId channel = consumer_->ChannelOf(kNormal);
  consumer_->Lose(channel);
  worker_->intake()->OnBrokerClosed(channel, absl::NotFoundError("no queue"));
  EXPECT_EQ(consumer_->ChannelOf(kNormal), 0u);
  clock_.Advance(absl::Seconds(10));
  worker_->intake()->Tick();
  EXPECT_NE(consumer_->ChannelOf(kNormal), 0u);
}

TEST_F(WorkerTest, IgnoresADeliveryOfAChannelThatItHasClosed) {
  const amqp::Delivery late = consumer_->Message(kNormal, 1, {NewId()}, "work");
  line_->Down();
  clock_.Advance(absl::Seconds(10));
  worker_->intake()->Tick();
  worker_->intake()->OnBrokerDelivery(late);
  line_->Up();
  EXPECT_THAT(TakeClaims(), IsEmpty());
}

TEST_F(WorkerTest, RepeatsAnOutcomeUntilItIsTaken) {
  RunOne();
  line_->Down();
  handler_->Return(Success{"", "kept"});
  line_->Up();
  EXPECT_EQ(line_->AwaitOutcome().success().result(), "kept");
  line_->Down();
  line_->Up();
  const auto outcome = line_->AwaitOutcome();
  EXPECT_EQ(outcome.success().result(), "kept");
  EXPECT_EQ(worker_->runner().unsettled(), 1);
  line_->AnswerOutcome(outcome);
  EXPECT_EQ(worker_->runner().unsettled(), 0);
}

TEST_F(WorkerTest, StopsAHandlerWhoseLeaseIsLostAndDropsItsResult) {
  handler_->IgnoreCancel();
  const JobId job = RunOne();
  line_->AnswerRenewal(Bytes(job), 1, /*held=*/false);
  EXPECT_TRUE(handler_->AwaitCancelled());
  handler_->StopNow();
  // The slot is free again, and there is nothing to tell.
  ASSERT_TRUE(worker_->runner().AwaitEmpty(absl::Minutes(1)));
  EXPECT_EQ(line_->Take().outcomes_size(), 0);
}

TEST_F(WorkerTest, IgnoresALostLeaseOnceTheOutcomeIsUnderWay) {
  const JobId job = RunOne();
  handler_->Return(Success{});
  const auto outcome = line_->AwaitOutcome();
  line_->AnswerRenewal(Bytes(job), 1, /*held=*/false);
  EXPECT_EQ(worker_->runner().unsettled(), 1);
  line_->AnswerOutcome(outcome);
  EXPECT_EQ(worker_->runner().unsettled(), 0);
}

TEST_F(WorkerTest, DropsAnOutcomeThatIsRefused) {
  RunOne();
  handler_->Return(Success{});
  line_->AnswerOutcome(line_->AwaitOutcome(), /*accepted=*/false);
  EXPECT_EQ(worker_->runner().unsettled(), 0);
}

TEST_F(WorkerTest, CancelsAHandlerAndTellsWhenItHasStopped) {
  handler_->IgnoreCancel();
  const JobId job = RunOne();
  line_->Cancel(Bytes(job), 1);
  EXPECT_TRUE(handler_->AwaitCancelled());
  EXPECT_EQ(line_->Take().outcomes_size(), 0) << "it has not stopped yet";
  handler_->StopNow();
  EXPECT_EQ(line_->AwaitOutcome().failure().reason(), "CANCELLED");
}

TEST_F(WorkerTest, CancelsWhenARenewalsAnswerAsksForIt) {
  const JobId job = RunOne();
  line_->AnswerRenewal(Bytes(job), 1, /*held=*/true, /*cancel_requested=*/true);
  EXPECT_EQ(line_->AwaitOutcome().failure().reason(), "CANCELLED");
}

TEST_F(WorkerTest, IgnoresTheCancelOfAnotherAttempt) {
  const JobId job = RunOne(1, /*attempt=*/2);
  line_->Cancel(Bytes(job), 1);
  EXPECT_FALSE(handler_->was_cancelled());
}

TEST_F(WorkerTest, RunsTheNextAttemptWhileOneThatLostItsLeaseStops) {
  handler_->IgnoreCancel();
  const JobId job = RunOne();
  line_->AnswerRenewal(Bytes(job), 1, /*held=*/false);
  Deliver(2, {job});
  line_->Grant(TakeClaim(), Granted(2));
  EXPECT_TRUE(handler_->AwaitStarted(2));
  EXPECT_EQ(worker_->runner().running(), 2);
}

TEST_F(WorkerTest, HandsBackWhatDoesNotEndWithinTheDrain) {
  const JobId job = RunOne();
  EXPECT_TRUE(handler_->AwaitStarted());
  std::thread state([&] {
    const auto outcome = line_->AwaitOutcome();
    EXPECT_EQ(outcome.job_id(), Bytes(job));
    EXPECT_TRUE(outcome.has_handed_back());
    line_->AnswerOutcome(outcome);
  });
  EXPECT_TRUE(worker_->Drain());
  state.join();
  EXPECT_EQ(consumer_->ChannelOf(kNormal), 0u);
  EXPECT_EQ(worker_->runner().unsettled(), 0);
}

TEST_F(WorkerTest, LetsAHandlerEndByItselfDuringTheDrain) {
  Config config = MakeConfig(2);
  config.drain_timeout = absl::Minutes(1);
  Make(config);
  RunOne();
  std::thread state([&] {
    line_->Await([](const WorkRequest& request) { return request.hello().draining(); });
    handler_->Return(Success{"", "just in time"});
    const auto outcome = line_->AwaitOutcome();
    EXPECT_EQ(outcome.success().result(), "just in time");
    line_->AnswerOutcome(outcome);
  });
  EXPECT_TRUE(worker_->Drain());
  state.join();
  EXPECT_FALSE(handler_->was_cancelled());
}

TEST_F(WorkerTest, HandsBackAJobThatIsGrantedDuringTheDrain) {
  Config config = MakeConfig(2);
  config.drain_timeout = absl::Minutes(1);
  Make(config);
  Deliver(1, {NewId()});
  const Claim claim = TakeClaim();
  std::thread state([&] {
    line_->Await([](const WorkRequest& request) { return request.hello().draining(); });
    line_->Grant(claim, Granted());
    const auto outcome = line_->AwaitOutcome();
    EXPECT_TRUE(outcome.has_handed_back());
    line_->AnswerOutcome(outcome);
  });
  EXPECT_TRUE(worker_->Drain());
  state.join();
  EXPECT_EQ(handler_->started(), 0);
}

TEST_F(WorkerTest, StopsAndHandsBackAtOnceWhatItIsToldToWhileItDrains) {
  Config config = MakeConfig(2);
  config.drain_timeout = absl::Hours(1);
  Make(config);
  RunOne();
  std::thread state([&] {
    line_->Await([](const WorkRequest& request) { return request.hello().draining(); });
    EXPECT_FALSE(handler_->was_cancelled());
    worker_->HandBackNow();
    worker_->HandBackNow();
    const auto outcome = line_->AwaitOutcome();
    EXPECT_TRUE(outcome.has_handed_back());
    line_->AnswerOutcome(outcome);
  });
  EXPECT_TRUE(worker_->Drain());
  state.join();
  EXPECT_EQ(worker_->runner().unsettled(), 0);
}

TEST_F(WorkerTest, NeedsNoPatienceIfItIsToldToHandBackBeforeItDrains) {
  Config config = MakeConfig(2);
  config.drain_timeout = absl::Hours(1);
  Make(config);
  RunOne();
  worker_->HandBackNow();
  EXPECT_FALSE(handler_->was_cancelled());
  std::thread state([&] { line_->AnswerOutcome(line_->AwaitOutcome()); });
  EXPECT_TRUE(worker_->Drain());
  state.join();
}

TEST_F(WorkerTest, EndsADrainAsSoonAsTheLastClaimIsAnswered) {
  Config config = MakeConfig(2);
  config.drain_timeout = absl::Hours(1);
  Make(config);
  Deliver(1, {NewId()});
  const Claim claim = TakeClaim();
  std::thread state([&] {
    line_->Await([](const WorkRequest& request) { return request.hello().draining(); });
    line_->SayReturned(claim, internal::v1::Returned::REASON_DRAINING);
  });
  EXPECT_TRUE(worker_->Drain());
  state.join();
}

// --- Another configuration

class WorkerReconfigured : public WorkerTest {
 protected:
  static HandlerConfig MakeHandler(const std::string& type, int concurrency = 1) {
    HandlerConfig handler = MakeConfig(1).handlers[0];
    handler.type = handler.queue = type;
    handler.concurrency = concurrency;
    return handler;
  }

  // Has the worker serve this, by a handler of its own, and returns that.
  std::shared_ptr<FakeHandler> Serve(int slots, const HandlerConfig& type) {
    Config config = MakeConfig(slots);
    config.handlers = {type};
    auto handler = std::make_shared<FakeHandler>();
    worker_->Reconfigure(config, {{type.type, handler}});
    Settle();
    return handler;
  }

  // What Hello says last.
  internal::v1::Hello Hello() { return line_->Take().hello(); }

  // Waits for so many outcomes, and for the claim of a job that had to wait for their slots.
  void AwaitOutcomesAndClaim(int outcomes) {
    bool claimed = false;
    line_->Await([&](const WorkRequest& request) {
      outcomes -= request.outcomes_size();
      claimed |= request.claims_size() == 1;
      return outcomes == 0 && claimed;
    });
  }
};

TEST_F(WorkerReconfigured, TakesWhatIsAddedAndLeavesWhatIsRemoved) {
  const auto handler = Serve(3, MakeHandler("new", 3));
  EXPECT_EQ(consumer_->ChannelOf(kNormal), 0u);
  EXPECT_EQ(consumer_->PrefetchOf("buzzer.new.normal"), 3);
  const internal::v1::Hello hello = Hello();
  EXPECT_EQ(hello.slots(), 3);
  ASSERT_EQ(hello.types_size(), 1);
  EXPECT_EQ(hello.types(0).type(), "new");
  ASSERT_EQ(hello.queues_size(), 1);
  EXPECT_EQ(worker_->slots(), 3);
  Deliver(1, {NewId()}, "new", "buzzer.new.normal");
  auto granted = Granted();
  granted.set_type("new");
  line_->Grant(TakeClaim(), granted);
  EXPECT_TRUE(handler->AwaitStarted());
  handler->Return(Success{});
  line_->AnswerOutcome(line_->AwaitOutcome());
}

TEST_F(WorkerReconfigured, EndsWhatRunsUnderTheHandlerThatItBeganWith) {
  const JobId job = RunOne();
  const auto handler = Serve(2, MakeHandler("work", 2));
  EXPECT_EQ(handler->started(), 0);
  handler_->Return(Success{"", "of the old one"});
  const auto outcome = line_->AwaitOutcome();
  EXPECT_EQ(outcome.job_id(), Bytes(job));
  EXPECT_EQ(outcome.success().result(), "of the old one");
  line_->AnswerOutcome(outcome);
  ASSERT_TRUE(worker_->runner().AwaitEmpty(absl::Minutes(1)));
  Deliver(2, {NewId()});
  line_->Grant(TakeClaim(), Granted());
  EXPECT_TRUE(handler->AwaitStarted());
  handler->Return(Success{});
  line_->AnswerOutcome(line_->AwaitOutcome());
}

TEST_F(WorkerReconfigured, EndsWhatRunsOfATypeThatIsRemovedInItsSlot) {
  RunOne();
  Serve(1, MakeHandler("new"));
  EXPECT_EQ(Hello().queues(0).prefetch(), 0) << "the only slot is taken";
  EXPECT_FALSE(handler_->was_cancelled());
  handler_->Return(Success{});
  line_->Await([](const WorkRequest& request) {
    return request.has_hello() && request.hello().queues(0).prefetch() > 0;
  });
}

TEST_F(WorkerReconfigured, HandsBackWhatIsGrantedOfATypeThatIsRemoved) {
  Deliver(1, {NewId()});
  const Claim claim = TakeClaim();
  Serve(2, MakeHandler("new"));
  line_->Grant(claim, Granted());
  const auto outcome = line_->AwaitOutcome();
  EXPECT_TRUE(outcome.has_handed_back());
  line_->AnswerOutcome(outcome);
  EXPECT_EQ(worker_->intake()->slots_busy(), 0);
  EXPECT_EQ(handler_->started(), 0);
}

TEST_F(WorkerReconfigured, ClaimsByTheNewLimits) {
  HandlerConfig longer = MakeHandler("work", 1);
  longer.grace = absl::Seconds(77);
  longer.attempt_timeout = absl::Minutes(5);
  Serve(2, longer);
  Deliver(1, {NewId()});
  Deliver(2, {NewId()});
  const Claim claim = TakeClaim();
  EXPECT_EQ(claim.grace().seconds(), 77);
  EXPECT_EQ(claim.attempt_timeout().seconds(), 300);
  EXPECT_THAT(TakeClaims(), IsEmpty()) << "one at once";
  line_->SayGone(claim);
}

TEST_F(WorkerReconfigured, RunsNoMoreThanItsNewSlotsWhenThereAreFewer) {
  RunOne(1);
  RunOne(2);
  Serve(1, MakeHandler("work", 1));
  Deliver(3, {NewId()});
  EXPECT_THAT(TakeClaims(), IsEmpty());
  handler_->Return(Success{});
  AwaitOutcomesAndClaim(2);
}

TEST_F(WorkerReconfigured, ChangesNothingOnceItDrains) {
  RunOne();
  std::thread state([&] { line_->AnswerOutcome(line_->AwaitOutcome()); });
  EXPECT_TRUE(worker_->Drain());
  state.join();
  Serve(7, MakeHandler("new"));
  EXPECT_EQ(worker_->slots(), 2);
  EXPECT_EQ(consumer_->ChannelOf("buzzer.new.normal"), 0u);
}

// --- Whether it takes jobs

TEST_F(WorkerTest, IsReadyOnceTheBrokerDelivers) {
  EXPECT_FALSE(worker_->readiness().ready());
  worker_->intake()->OnBrokerConsuming(consumer_->ChannelOf(kNormal));
  EXPECT_TRUE(worker_->readiness().ready());
}

TEST_F(WorkerTest, IsNotReadyOnceItsQueueIsNotThere) {
  worker_->intake()->OnBrokerConsuming(consumer_->ChannelOf(kNormal));
  for (int i = 0; i < 2; ++i) {
    const amqp::ChannelId channel = consumer_->ChannelOf(kNormal);
    consumer_->Lose(channel);
    worker_->intake()->OnBrokerClosed(channel, absl::NotFoundError("no queue"));
    clock_.Advance(absl::Seconds(10));
    worker_->intake()->Tick();
  }
  EXPECT_FALSE(worker_->readiness().ready());
  ASSERT_EQ(worker_->readiness().problems().size(), 1u);
  EXPECT_THAT(worker_->readiness().problems()[0].why, HasSubstr("no queue"));
  worker_->intake()->OnBrokerConsuming(consumer_->ChannelOf(kNormal));
  EXPECT_TRUE(worker_->readiness().ready());
}

TEST_F(WorkerTest, IsNotReadyWhileStateRefusesWhatItAnnounces) {
  worker_->intake()->OnBrokerConsuming(consumer_->ChannelOf(kNormal));
  internal::v1::WorkResponse response;
  response.mutable_hello()->add_refusals()->set_message("another broker");
  worker_->session()->OnResponse(response);
  EXPECT_FALSE(worker_->readiness().ready());
  response.mutable_hello()->clear_refusals();
  worker_->session()->OnResponse(response);
  EXPECT_TRUE(worker_->readiness().ready());
}

TEST_F(WorkerTest, RunsNoGrantThatIsUnsoundAndKeepsNoSlotForIt) {
  uint64_t tag = 0;
  const auto grant = [&](auto change) {
    Deliver(++tag, {NewId()});
    internal::v1::Granted granted = Granted();
    change(granted);
    line_->Grant(TakeClaim(), granted);
  };
  grant([](auto& granted) { granted.set_attempt(0); });
  grant([](auto& granted) { granted.clear_lease_id(); });
  grant([](auto& granted) { granted.mutable_lease()->set_seconds(INT64_MAX); });
  grant([](auto& granted) { granted.mutable_lease()->set_seconds(-1); });
  grant([](auto& granted) { granted.mutable_attempt_timeout()->set_nanos(-1); });
  grant([](auto& granted) { granted.set_payload(std::string(5 << 20, 'x')); });
  grant([](auto& granted) { granted.set_tenant(std::string("a\0b", 3)); });
  EXPECT_EQ(worker_->intake()->slots_busy(), 0);
  EXPECT_EQ(consumer_->acks().size(), 7u);
  EXPECT_EQ(worker_->runner().unsettled(), 0);
  RunOne(++tag);
  EXPECT_EQ(handler_->started(), 1);
}

TEST_F(WorkerTest, RunsNoGrantOfAnotherJobThanItClaimed) {
  for (const std::string& job : {std::string(), std::string("short"), Bytes(NewId())}) {
    Deliver(1, {NewId()});
    Claim claim = TakeClaim();
    claim.set_job_id(job);
    line_->Grant(claim, Granted());
    EXPECT_EQ(worker_->intake()->slots_busy(), 0);
  }
  EXPECT_EQ(worker_->runner().unsettled(), 0);
}

TEST_F(WorkerTest, RunsAnAttemptThatIsGrantedTwiceOnce) {
  const JobId job = NewId();
  Deliver(1, {job});
  line_->Grant(TakeClaim(), Granted());
  ASSERT_TRUE(handler_->AwaitStarted());
  Deliver(2, {job});
  line_->Grant(TakeClaim(), Granted());
  EXPECT_EQ(worker_->intake()->slots_busy(), 1);
  EXPECT_EQ(worker_->runner().running(), 1);
  // The same where it would be given back.
  auto foreign = Granted();
  foreign.set_type("other");
  for (uint64_t tag = 3; tag < 30; ++tag) {
    Deliver(tag, {job});
    line_->Grant(TakeClaim(), foreign);
  }
  EXPECT_EQ(worker_->runner().unsettled(), 1);
  EXPECT_THAT(line_->Take().outcomes(), IsEmpty());
  Deliver(99, {NewId()});
  EXPECT_EQ(TakeClaims().size(), 1u) << "nothing that waits holds the slots";
}

TEST_F(WorkerTest, TakesAnAnswerWithoutAnyPartForGone) {
  Deliver(1, {NewId()});
  internal::v1::WorkResponse response;
  response.add_claims()->set_claim_id(TakeClaim().claim_id());
  worker_->session()->OnResponse(response);
  worker_->session()->OnResponse(response);
  EXPECT_EQ(worker_->intake()->slots_busy(), 0);
  EXPECT_THAT(consumer_->acks(), ElementsAre(1));
}

TEST_F(WorkerTest, PassesOverAnswersAboutWhatItDoesNotKnow) {
  const JobId job = RunOne();
  for (const std::string& id :
       {std::string(), std::string("x"), Bytes(NewId()), std::string(1 << 20, 'x')}) {
    line_->AnswerRenewal(id, 1, false);
    line_->Cancel(id, 1);
    internal::v1::WorkResponse response;
    response.add_claims()->set_claim_id(id);
    response.mutable_claims(0)->mutable_granted();
    response.add_outcomes()->set_job_id(id);
    worker_->session()->OnResponse(response);
  }
  line_->AnswerRenewal(Bytes(job), -1, false);
  line_->Cancel(Bytes(job), INT32_MAX);
  EXPECT_FALSE(handler_->was_cancelled());
  EXPECT_EQ(worker_->runner().running(), 1);
}

TEST_F(WorkerTest, AcksMessagesThatAreNoneAndSaysSoOnce) {
  ::testing::internal::CaptureStderr();
  for (uint64_t tag = 1; tag <= 1000; ++tag) {
    worker_->intake()->OnBrokerDelivery(
        {consumer_->ChannelOf(kNormal), tag, kNormal, std::string(100, '\xff'), false});
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(consumer_->acks().size(), 1000u);
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 1);
  EXPECT_THAT(TakeClaims(), IsEmpty());
}

TEST_F(WorkerTest, GivesJobsOfInventedTypesBackInMessagesOfBoundedSize) {
  ::testing::internal::CaptureStderr();
  for (uint64_t tag = 1; tag <= 3; ++tag) {
    internal::v1::DispatchMessage body;
    for (int i = 0; i < 900; ++i) {
      auto* entry = body.add_jobs();
      entry->set_job_id(Bytes(NewId()));
      entry->set_type(absl::StrCat("invented-", tag, "-", i));
    }
    worker_->intake()->OnBrokerDelivery(
        {consumer_->ChannelOf(kNormal), tag, kNormal, body.SerializeAsString(), false});
  }
  EXPECT_EQ(TakeClaims().size(), 1000u);
  EXPECT_EQ(TakeClaims().size(), 1000u);
  EXPECT_EQ(TakeClaims().size(), 700u);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 101) << "a hundred types, and the others";
}

TEST_F(WorkerTest, TakesTurnsBetweenQueues) {
  Config config = MakeConfig(2);
  HandlerConfig other = config.handlers[0];
  other.type = "other";
  other.queue = "other";
  config.handlers.push_back(other);
  Make(config);
  // One message fills both slots; what waits then is taken one from each queue.
  Deliver(1, {NewId(), NewId()});
  const auto first = TakeClaims();
  ASSERT_EQ(first.size(), 2u);
  const std::vector<JobId> work = {NewId(), NewId()};
  const std::vector<JobId> others = {NewId(), NewId()};
  Deliver(2, work);
  Deliver(3, others, "other", "buzzer.other.normal");
  line_->SayGone(first[0]);
  line_->SayGone(first[1]);
  std::vector<std::string> claimed;
  for (const Claim& claim : TakeClaims()) claimed.push_back(claim.job_id());
  EXPECT_THAT(claimed, UnorderedElementsAre(Bytes(work[0]), Bytes(others[0])));
}

}  // namespace
}  // namespace buzzer::worker
