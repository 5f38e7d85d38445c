// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/dispatcher.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/fakes/fake_publisher.h"
#include "tests/unit/services/state/forwarding_store.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using Jobs = std::vector<JobId>;

constexpr char kNormal[] = "buzzer.demo.echo.normal";
constexpr char kHigh[] = "buzzer.demo.echo.high";

// Cannot read its outbox when told so.
class FlakyStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void ReadOutbox(Lane lane, int64_t after, int limit,
                  Callback<std::vector<OutboxEntry>> done) override {
    ++reads;
    if (!failing)
      return ForwardingStore::ReadOutbox(std::move(lane), after, limit, std::move(done));
    done(absl::UnavailableError("busy"));
  }
  std::atomic<bool> failing = false;
  std::atomic<int> reads = 0;
};

class DispatcherTest : public StoreTest {
 protected:
  explicit DispatcherTest(absl::Duration tick_interval = Dispatcher::Options().tick_interval) {
    Dispatcher::Options options;
    options.tick_interval = tick_interval;
    options.store = &flaky_;
    options.clock = &clock_;
    options.workers_of = [this](const std::string&) {
      WorkerRegistry::QueueWorkers workers;
      workers.workers = workers_.load();
      workers.slots = 1;
      workers.prefetch = prefetch_.load();
      return workers;
    };
    options.worker_slots = &slots_;
    options.start_publisher = [this](amqp::Publisher::Options publisher) {
      return broker_.Start(std::move(publisher));
    };
    dispatcher_ = std::make_unique<Dispatcher>(std::move(options));
    store_->AddObserver(dispatcher_.get());
    dispatcher_->AddQueue("demo.echo");
  }
  ~DispatcherTest() override {
    dispatcher_->Stop();
    CloseStore();
  }

  void Start() {
    dispatcher_->Start();
    broker_.SetUp(true);
  }

  Jobs SubmitSome(int count) {
    std::vector<internal::v1::NewJob> jobs;
    Jobs ids;
    for (int i = 0; i < count; ++i) {
      jobs.push_back(NewJob());
      ids.push_back(*JobId::FromBytes(jobs.back().id()));
    }
    EXPECT_TRUE(testing::Await<JobStore::Each<JobRecord>>([&](const auto& done) {
                  store_->Submit(std::move(jobs), done);
                }).ok());
    return ids;
  }

  ClaimAnswer Return(const JobId& job, ClaimRequest::Intent intent) {
    ClaimRequest claim;
    claim.job = job;
    claim.claim_id = RandomBytes(16);
    claim.intent = intent;
    return store().Claim(claim).answer;
  }

  bool AwaitReady(const Jobs& jobs, const char* queue = kNormal) {
    return broker_.Await([&] { return broker_.Ready(queue) == jobs; });
  }
  // A worker says that so many slots of it are idle.
  void SayIdle(int slots) {
    internal::v1::Hello hello;
    auto* const type = hello.add_types();
    type->set_type("demo.echo");
    type->set_queue("demo.echo");
    type->set_slots(slots);
    type->set_idle_slots(slots);
    slots_.Put(1, hello, /*takes_none=*/false,
               [this](const std::vector<internal::v1::Offer>& offers) {
                 MutexLock lock(&offers_mutex_);
                 for (const auto& offer : offers) {
                   EXPECT_EQ(offer.type(), "demo.echo");
                   offered_.push_back(*JobId::FromBytes(offer.job_id()));
                 }
               });
  }
  Jobs offered() {
    MutexLock lock(&offers_mutex_);
    return offered_;
  }
  // A worker takes all there is.
  void TakeAll() {
    while (!broker_.Ready(kNormal).empty()) broker_.Take(kNormal);
  }
  // Time passes, with a look at what it brings every second.
  void Pass(absl::Duration duration) {
    for (; duration > absl::ZeroDuration(); duration -= absl::Seconds(1)) {
      clock_.Advance(std::min(duration, absl::Seconds(1)));
      dispatcher_->Tick();
    }
  }
  // For what comes some time after an answer of the broker that the dispatcher may not have
  // heard yet: the time is counted from when it does.
  bool AwaitAsTimePasses(const std::function<bool()>& condition) {
    return broker_.Await([&] {
      if (condition()) return true;
      Pass(absl::Seconds(1));
      return false;
    });
  }

  FlakyStore flaky_{store_.get()};
  testing::FakeBroker broker_;
  std::atomic<int> workers_ = 1;
  std::atomic<int> prefetch_ = 0;
  WorkerSlots slots_;
  std::unique_ptr<Dispatcher> dispatcher_;
  // What was offered to the idle worker.
  Mutex offers_mutex_;
  Jobs offered_ ABSL_GUARDED_BY(offers_mutex_);
};

TEST_F(DispatcherTest, BringsAJobToTheBrokerQueueOfItsPriority) {
  Start();
  auto job = NewJob();
  job.set_priority(v1::Job::HIGH);
  const JobRecord high = store().MustSubmit(job);
  const JobRecord normal = Submit();
  EXPECT_TRUE(AwaitReady({high.id}, kHigh));
  EXPECT_TRUE(AwaitReady({normal.id}));
  EXPECT_TRUE(broker_.HasQueue("buzzer.demo.echo.low"));
  EXPECT_EQ(dispatcher_->stats().out, 2u);
  EXPECT_EQ(dispatcher_->stats().published, 2);
}

TEST_F(DispatcherTest, KeepsJobsWhileTheBrokerIsDownAndSendsThemInOrder) {
  dispatcher_->Start();
  const Jobs jobs = SubmitSome(50);
  EXPECT_FALSE(dispatcher_->stats().broker_up);
  EXPECT_EQ(dispatcher_->stats().out, 0u);
  broker_.SetUp(true);
  EXPECT_TRUE(AwaitReady(jobs));
  EXPECT_TRUE(dispatcher_->stats().broker_up);
}

TEST_F(DispatcherTest, SendsWhatWasWaitingWhenStateStarted) {
  const Jobs jobs = SubmitSome(5);
  Start();
  EXPECT_TRUE(AwaitReady(jobs));
}

TEST_F(DispatcherTest, HasAWindowOutAndTheRestInTheDatabase) {
  workers_ = 0;  // Of no known worker: each message has one job.
  Start();
  const Jobs jobs = SubmitSome(1000);
  EXPECT_TRUE(AwaitReady(Jobs(jobs.begin(), jobs.begin() + 200)));
  EXPECT_EQ(dispatcher_->stats().out, 200u);
  // Claims make room; everything comes, in order, once.
  Jobs taken;
  while (taken.size() < jobs.size()) {
    ASSERT_TRUE(broker_.Await([&] { return !broker_.Ready(kNormal).empty(); }));
    for (const JobId& job : broker_.Take(kNormal)) {
      taken.push_back(job);
      store().MustClaim(job);
    }
  }
  EXPECT_EQ(taken, jobs);
  EXPECT_EQ(dispatcher_->stats().out, 0u);
  EXPECT_EQ(dispatcher_->stats().published, 1000);
}

TEST_F(DispatcherTest, OffersWhatLiesUnclaimedAtAWorkerToOneThatIsIdle) {
  prefetch_ = 10;  // What was taken lies at a worker.
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  TakeAll();
  Pass(absl::Seconds(3));
  SayIdle(2);
  Pass(absl::Seconds(1));
  EXPECT_EQ(offered(), (Jobs{jobs[0], jobs[1]})) << "a job for each slot";
  Pass(absl::Seconds(1));
  EXPECT_EQ(offered().size(), 2u) << "it has not said that it is idle again";
  store().MustClaim(jobs[0]);
  store().MustClaim(jobs[1]);
  SayIdle(2);
  Pass(absl::Seconds(1));
  EXPECT_EQ(offered(), jobs);
  EXPECT_EQ(dispatcher_->stats().offered, 3);
}

TEST_F(DispatcherTest, OffersNothingOfAPausedQueue) {
  prefetch_ = 10;
  Start();
  ASSERT_TRUE(AwaitReady(SubmitSome(1)));
  TakeAll();
  dispatcher_->SetPaused("demo.echo", true);
  SayIdle(2);
  Pass(absl::Seconds(3));
  EXPECT_TRUE(offered().empty());
}

// What a busy lane holds back does not wait for a tick.
class RarelyTickingDispatcherTest : public DispatcherTest {
 protected:
  RarelyTickingDispatcherTest() : DispatcherTest(absl::Hours(1)) {}
};

TEST_F(RarelyTickingDispatcherTest, SendsSeveralJobsTogetherWhereTheyGoFast) {
  prefetch_ = 4000;  // What was taken is at the worker, not lost.
  Start();
  SubmitSome(4000);
  ASSERT_TRUE(broker_.Await([&] { return !broker_.Ready(kNormal).empty(); }));
  dispatcher_->Tick();  // Counts the workers.
  Jobs taken;
  while (taken.size() < 4000) {
    clock_.Advance(DispatchRows::kMessageInterval);
    ASSERT_TRUE(broker_.Await([&] { return !broker_.Ready(kNormal).empty(); }));
    for (const JobId& job : broker_.Take(kNormal)) {
      taken.push_back(job);
      store().MustClaim(job);
    }
  }
  EXPECT_LT(dispatcher_->stats().published, 4000);
}

TEST_F(DispatcherTest, PurgesMessagesOfJobsThatWereCancelledWhileNoWorkerTookThem) {
  Start();
  for (int round = 0; round < 3; ++round) {
    const Jobs jobs = SubmitSome(200);
    ASSERT_TRUE(broker_.AwaitReady(kNormal, size_t{200} * (round + 1)));
    for (const JobId& job : jobs) ASSERT_TRUE(store().Cancel(job).ok());
  }
  const Jobs jobs = SubmitSome(2);
  ASSERT_TRUE(broker_.AwaitReady(kNormal, 602));
  Pass(absl::Seconds(6));
  EXPECT_TRUE(AwaitReady(jobs));
}

TEST_F(DispatcherTest, PurgesWhatIsStaleInALaneThatHasNothingElse) {
  Start();
  for (int round = 0; round < 2; ++round) {
    const Jobs jobs = SubmitSome(200);
    ASSERT_TRUE(broker_.AwaitReady(kNormal, size_t{200} * (round + 1)));
    for (const JobId& job : jobs) ASSERT_TRUE(store().Cancel(job).ok());
  }
  Pass(absl::Seconds(36));
  EXPECT_TRUE(AwaitReady({}));
}

TEST_F(DispatcherTest, LetsAHighPriorityJobPassADeepBacklog) {
  Start();
  SubmitSome(1000);
  ASSERT_TRUE(broker_.AwaitReady(kNormal, 200));
  auto job = NewJob();
  job.set_priority(v1::Job::HIGH);
  const JobRecord high = store().MustSubmit(job);
  EXPECT_TRUE(AwaitReady({high.id}, kHigh));
}

TEST_F(DispatcherTest, ForgetsACancelledJobThatIsOut) {
  Start();
  const Jobs jobs = SubmitSome(201);
  ASSERT_TRUE(broker_.AwaitReady(kNormal, 200));
  ASSERT_TRUE(store().Cancel(jobs[0]).ok());
  // Its message stays at the broker, where a claim will find it gone; it makes room.
  EXPECT_TRUE(AwaitReady(jobs));
  EXPECT_EQ(dispatcher_->stats().out, 200u);
}

TEST_F(DispatcherTest, SendsAHandedBackJobAgain) {
  Start();
  const JobRecord job = Submit();
  ASSERT_TRUE(AwaitReady({job.id}));
  broker_.Take(kNormal);
  ASSERT_TRUE(store().HandBack(store().MustClaim(job.id)));
  EXPECT_TRUE(AwaitReady({job.id}));
}

TEST_F(DispatcherTest, SendsAJobThatADrainingWorkerReturnedAgainAtOnce) {
  Start();
  const JobRecord job = Submit();
  ASSERT_TRUE(AwaitReady({job.id}));
  broker_.Take(kNormal);
  EXPECT_EQ(Return(job.id, ClaimRequest::Intent::kReturnDraining), ClaimAnswer::kReturnedDraining);
  EXPECT_TRUE(AwaitReady({job.id}));
}

TEST_F(DispatcherTest, HoldsAJobWithoutHandlerLongerEachTime) {
  Start();
  const JobRecord job = Submit();
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    ASSERT_TRUE(AwaitReady({job.id}));
    broker_.Take(kNormal);
    ASSERT_EQ(Return(job.id, ClaimRequest::Intent::kReturnNoHandler),
              ClaimAnswer::kReturnedNoHandler);
    Pass(absl::Seconds(seconds) - absl::Milliseconds(1));
    EXPECT_TRUE(broker_.Ready(kNormal).empty());
    Pass(absl::Milliseconds(1));
  }
  EXPECT_TRUE(AwaitReady({job.id}));
}

TEST_F(DispatcherTest, DispatchesNothingOfAPausedQueueUntilItIsResumed) {
  Start();
  const Jobs out = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(out));
  store().SetPaused("demo.echo", true);
  dispatcher_->SetPaused("demo.echo", true);
  const JobRecord later = Submit();
  for (const JobId& job : out) {
    broker_.Take(kNormal);
    EXPECT_EQ(store().Claim(job).answer, ClaimAnswer::kReturnedPaused);
  }
  Pass(absl::Seconds(3));
  EXPECT_TRUE(broker_.Ready(kNormal).empty());
  store().SetPaused("demo.echo", false);
  dispatcher_->SetPaused("demo.echo", false);
  EXPECT_TRUE(AwaitReady({out[0], out[1], out[2], later.id}));
}

TEST_F(DispatcherTest, EmptiesTheBrokersQueueAndSendsAllAgainAfterAReconnection) {
  Start();
  const Jobs jobs = SubmitSome(20);
  ASSERT_TRUE(AwaitReady(jobs));
  const int purges = broker_.purges(kNormal);
  broker_.SetUp(false);
  const JobRecord later = Submit();
  store().MustClaim(jobs[0]);  // A worker had its message already.
  broker_.SetUp(true);
  Jobs expected(jobs.begin() + 1, jobs.end());
  expected.push_back(later.id);
  EXPECT_TRUE(AwaitReady(expected));
  EXPECT_EQ(broker_.purges(kNormal), purges + 1);
  EXPECT_EQ(dispatcher_->stats().redispatches, 1);
}

TEST_F(DispatcherTest, DoesNotPurgeAnEmptyQueue) {
  Start();
  ASSERT_TRUE(AwaitReady({Submit().id}));
  EXPECT_EQ(broker_.purges(kNormal), 0);
}

TEST_F(DispatcherTest, RemakesTheQueueOverWhichTheConnectionIsLostAndNoOther) {
  Start();
  const JobRecord job = Submit();
  ASSERT_TRUE(AwaitReady({job.id}));
  broker_.SetUp(false);
  broker_.BreakQueue(kHigh);
  broker_.SetUp(true);
  EXPECT_TRUE(broker_.Await([&] { return broker_.declares_alone(kHigh) > 0; }));
  EXPECT_TRUE(AwaitAsTimePasses([&] { return dispatcher_->stats().queues_unprepared == 0; }));
  EXPECT_TRUE(AwaitReady({job.id}));
  auto urgent = NewJob();
  urgent.set_priority(v1::Job::HIGH);
  const JobRecord high = store().MustSubmit(urgent);
  EXPECT_TRUE(AwaitReady({high.id}, kHigh));
  EXPECT_EQ(broker_.deletes(kHigh), 1);
  EXPECT_EQ(broker_.deletes(kNormal), 0);
}

TEST_F(DispatcherTest, DispatchesToTheOthersWhileOneQueueIsBroken) {
  Start();
  ASSERT_TRUE(AwaitReady({Submit().id}));
  broker_.SetUp(false);
  broker_.BreakQueue(kHigh);
  const JobRecord later = Submit();
  broker_.SetUp(true);
  // No time passes, so that the broken one is not tried again.
  EXPECT_TRUE(broker_.Await([&] {
    const Jobs ready = broker_.Ready(kNormal);
    return !ready.empty() && ready.back() == later.id;
  }));
  EXPECT_EQ(broker_.deletes(kHigh), 0);
  EXPECT_TRUE(broker_.Await([&] { return dispatcher_->stats().queues_unprepared == 1; }));
}

TEST_F(DispatcherTest, SendsAllAgainToAQueueThatHasLostItsLeaderWithoutPurgingIt) {
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  broker_.SetUp(false);
  broker_.LoseLeader(kNormal);
  broker_.SetUp(true);
  Jobs twice = jobs;
  twice.insert(twice.end(), jobs.begin(), jobs.end());
  EXPECT_TRUE(AwaitReady(twice));
  EXPECT_EQ(broker_.purges(kNormal), 0);
  EXPECT_EQ(broker_.deletes(kNormal), 0);
}

TEST_F(DispatcherTest, GoesOnWithoutAPurgeThatCostsTheConnection) {
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  broker_.SetUp(false);
  broker_.RefusePurge(kNormal);
  broker_.SetUp(true);
  Jobs twice = jobs;
  twice.insert(twice.end(), jobs.begin(), jobs.end());
  EXPECT_TRUE(AwaitReady(twice));
  EXPECT_EQ(broker_.purges(kNormal), 1);
  EXPECT_EQ(broker_.deletes(kNormal), 0);
}

TEST_F(DispatcherTest, SendsAgainWhatWasNotConfirmedWhenTheConnectionWent) {
  Start();
  ASSERT_TRUE(broker_.Await([&] { return broker_.declares(kNormal) == 1; }));
  broker_.SetConfirming(false);
  const Jobs jobs = SubmitSome(5);
  ASSERT_TRUE(broker_.Await([&] { return broker_.published() == 5; }));
  broker_.SetConfirming(true);
  broker_.SetUp(false);
  broker_.SetUp(true);
  EXPECT_TRUE(AwaitReady(jobs));
}

TEST_F(DispatcherTest, SendsARefusedMessageAgainAfterASecond) {
  Start();
  ASSERT_TRUE(broker_.Await([&] { return broker_.declares(kNormal) == 1; }));
  broker_.SetFate(amqp::Fate::kRejected);
  const Jobs jobs = SubmitSome(2);
  ASSERT_TRUE(broker_.Await([&] { return broker_.published() == 2; }));
  broker_.SetFate(amqp::Fate::kConfirmed);
  dispatcher_->Tick();
  EXPECT_TRUE(broker_.Ready(kNormal).empty());
  EXPECT_TRUE(AwaitAsTimePasses([&] { return broker_.Ready(kNormal) == jobs; }));
  EXPECT_EQ(broker_.declares(kNormal), 1);
}

TEST_F(DispatcherTest, DeclaresAQueueAnewThatIsGoneAndSendsAllAgain) {
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  broker_.DeleteQueue(kNormal);
  const JobRecord late = Submit();  // Comes back unroutable.
  ASSERT_TRUE(broker_.Await([&] { return broker_.published() == 4; }));
  const Jobs all = {jobs[0], jobs[1], jobs[2], late.id};
  EXPECT_TRUE(AwaitAsTimePasses([&] { return broker_.Ready(kNormal) == all; }));
}

TEST_F(DispatcherTest, NoticesAGoneQueueWithinFiveSecondsThoughNothingIsPublished) {
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  broker_.DeleteQueue(kNormal);
  Pass(absl::Seconds(6));
  EXPECT_TRUE(AwaitReady(jobs));
}

// Workers consume the queues of all priorities on one channel, which fails if one is gone.
TEST_F(DispatcherTest, DeclaresTheIdlePrioritiesOfAGoneQueueAnewAsWell) {
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  const int prepared = broker_.declares(kHigh);
  broker_.DeleteQueue(kHigh);
  broker_.DeleteQueue(kNormal);
  Pass(absl::Seconds(6));
  EXPECT_TRUE(AwaitReady(jobs));
  EXPECT_TRUE(broker_.Await([&] { return broker_.declares(kHigh) == prepared + 1; }));
}

TEST_F(DispatcherTest, NoticesAGoneIdleQueueWithinHalfAMinute) {
  Start();
  ASSERT_TRUE(AwaitReady(SubmitSome(1)));
  const int prepared = broker_.declares(kHigh);
  broker_.DeleteQueue(kHigh);
  for (int i = 0; i < 31; ++i) Pass(absl::Seconds(1));
  EXPECT_TRUE(broker_.Await([&] { return broker_.declares(kHigh) == prepared + 1; }));
}

TEST_F(DispatcherTest, SendsAllAgainWhenMessagesHaveBeenMissingForFifteenSeconds) {
  Start();
  const Jobs jobs = SubmitSome(10);
  ASSERT_TRUE(AwaitReady(jobs));
  prefetch_ = 5;
  broker_.LoseMessages(kNormal);
  Pass(absl::Seconds(14));
  EXPECT_TRUE(broker_.Ready(kNormal).empty());
  EXPECT_GE(broker_.inspections(kNormal), 2);
  Pass(absl::Seconds(7));
  EXPECT_TRUE(AwaitReady(jobs));
}

TEST_F(DispatcherTest, MissesNothingThatWorkersMayHold) {
  Start();
  const Jobs jobs = SubmitSome(10);
  ASSERT_TRUE(AwaitReady(jobs));
  prefetch_ = 10;
  for (size_t i = 0; i < jobs.size(); ++i) broker_.Take(kNormal);
  Pass(absl::Seconds(55));
  EXPECT_TRUE(broker_.Ready(kNormal).empty());
  // But not for ever.
  Pass(absl::Seconds(15));
  EXPECT_TRUE(AwaitReady(jobs));
}

TEST_F(DispatcherTest, DoesNotMissWhatABlockedBrokerHasNotTakenYet) {
  Start();
  ASSERT_TRUE(broker_.Await([&] { return broker_.declares(kNormal) == 1; }));
  broker_.SetBlocked(true);
  const Jobs jobs = SubmitSome(10);
  ASSERT_TRUE(broker_.Await([&] { return broker_.published() == 10; }));
  EXPECT_TRUE(dispatcher_->stats().broker_blocked);
  Pass(absl::Minutes(5));
  EXPECT_EQ(broker_.published(), 10);
  broker_.SetBlocked(false);
  broker_.Settle(amqp::Fate::kConfirmed);
  EXPECT_TRUE(AwaitReady(jobs));
  EXPECT_EQ(broker_.declares(kNormal), 1);
}

TEST_F(DispatcherTest, DoesNotHurryAStoreThatCannotReadItsOutbox) {
  const Jobs jobs = SubmitSome(3);
  flaky_.failing = true;
  Start();
  ASSERT_TRUE(broker_.Await([&] { return flaky_.reads >= 3; }));  // One a lane.
  for (int i = 0; i < 10; ++i) dispatcher_->Tick();
  EXPECT_EQ(flaky_.reads, 3);
  flaky_.failing = false;
  EXPECT_TRUE(AwaitAsTimePasses([&] { return broker_.Ready(kNormal) == jobs; }));
}

TEST_F(DispatcherTest, SendsAllAgainWhenTheStoreWasReopened) {
  Start();
  const Jobs jobs = SubmitSome(3);
  ASSERT_TRUE(AwaitReady(jobs));
  dispatcher_->OnReopen();
  ASSERT_TRUE(broker_.Await([&] { return broker_.declares(kNormal) == 2; }));
  EXPECT_TRUE(AwaitReady(jobs));
}

TEST_F(DispatcherTest, SendsJobsOfAQueueThatBecomesKnownLater) {
  Start();
  auto job = NewJob();
  job.set_queue("photos");
  const JobRecord early = store().MustSubmit(job);
  dispatcher_->AddQueue("photos");
  EXPECT_TRUE(AwaitReady({early.id}, "buzzer.photos.normal"));
}

TEST_F(DispatcherTest, StopsWhileCommitsAndConfirmsComeIn) {
  Start();
  std::atomic<bool> go_on = true;
  std::thread submits([&] {
    while (go_on) SubmitSome(20);
  });
  ASSERT_TRUE(broker_.Await([&] { return broker_.published() > 100; }));
  dispatcher_->Stop();
  go_on = false;
  submits.join();
  EXPECT_FALSE(dispatcher_->stats().broker_up);
}

TEST_F(DispatcherTest, DeletesTheBrokerQueuesOfAQueueThatGaveItsPlace) {
  dispatcher_->AddQueue("invented");
  Start();
  ASSERT_TRUE(broker_.Await([&] { return broker_.HasQueue("buzzer.invented.low"); }));
  dispatcher_->RemoveQueue("invented");
  EXPECT_TRUE(broker_.Await([&] {
    return !broker_.HasQueue("buzzer.invented.high") &&
           !broker_.HasQueue("buzzer.invented.normal") && !broker_.HasQueue("buzzer.invented.low");
  }));
  dispatcher_->RemoveQueue("invented");  // Once more: nothing happens.
  EXPECT_TRUE(broker_.HasQueue(kNormal));
}

TEST_F(DispatcherTest, BringsAJobWhoseQueueHadJustGivenItsPlace) {
  Start();
  ASSERT_TRUE(broker_.Await([&] { return broker_.HasQueue(kNormal); }));
  dispatcher_->RemoveQueue("demo.echo");
  const JobRecord job = Submit();
  EXPECT_TRUE(AwaitReady({job.id}));
}

TEST_F(DispatcherTest, KeepsTheLanesOfAQueueThatGotAJobJustBeforeItGaveItsPlace) {
  Start();
  const JobRecord job = Submit();
  ASSERT_TRUE(AwaitReady({job.id}));
  dispatcher_->RemoveQueue("demo.echo");
  EXPECT_EQ(dispatcher_->stats().out, 1u);
  EXPECT_TRUE(broker_.HasQueue(kNormal));
  EXPECT_TRUE(broker_.HasQueue(kHigh)) << "workers consume all priorities or none";
  broker_.LoseMessages(kNormal);
  // The lane still sees to its row, as the broker's answers come in.
  while (broker_.Ready(kNormal).empty()) Pass(absl::Seconds(1));
}

}  // namespace
}  // namespace buzzer::state
