// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/worker_registry.h"

#include <limits>

#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

class WorkerRegistryTest : public StoreTest {
 protected:
  WorkerRegistryTest() { store_->AddObserver(&workers_); }
  ~WorkerRegistryTest() override { CloseStore(); }

  static internal::v1::Hello Hello(const std::string& worker, int slots, int prefetch) {
    internal::v1::Hello hello;
    hello.set_worker(worker);
    auto* queue = hello.add_queues();
    queue->set_queue("demo.echo");
    queue->set_slots(slots);
    queue->set_prefetch(prefetch);
    return hello;
  }
  static internal::v1::Hello WithType(internal::v1::Hello hello, const std::string& type,
                                      const std::string& queue) {
    auto* served = hello.add_types();
    served->set_type(type);
    served->set_queue(queue);
    return hello;
  }
  WorkerRegistry::SendCancel Into(std::vector<JobId>* cancels) {
    return [cancels](const internal::v1::CancelNotice& notice) {
      cancels->push_back(JobId::FromBytes(notice.job_id()).value_or(JobId()));
    };
  }

  WorkerRegistry workers_;
  std::vector<JobId> first_;
  std::vector<JobId> second_;
};

TEST_F(WorkerRegistryTest, AddsUpTheWorkersOfAQueue) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  workers_.Put(2, Hello("worker-2", 3, 0), Into(&second_));
  EXPECT_EQ(workers_.Of("demo.echo").workers, 2);
  EXPECT_EQ(workers_.Of("demo.echo").slots, 7);
  EXPECT_EQ(workers_.Of("demo.echo").prefetch, 2);
  EXPECT_EQ(workers_.Of("mail").workers, 0);
  workers_.Put(1, Hello("worker-1", 4, 4), Into(&first_));
  EXPECT_EQ(workers_.Of("demo.echo").prefetch, 4);
  workers_.Remove(1);
  EXPECT_EQ(workers_.Of("demo.echo").slots, 3);
  EXPECT_EQ(workers_.size(), 1);
}

TEST_F(WorkerRegistryTest, CountsWhoTakesNothingApartAndSaysWhy) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  auto broken = Hello("worker-2", 3, 0);
  broken.mutable_queues(0)->set_problem("the broker refuses the password");
  workers_.Put(2, broken, Into(&second_));
  WorkerRegistry::QueueWorkers of = workers_.Of("demo.echo");
  EXPECT_EQ(of.workers, 1);
  EXPECT_EQ(of.slots, 4);
  EXPECT_EQ(of.stalled, 1);
  EXPECT_EQ(of.stall_reason, "worker-2: the broker refuses the password");
  EXPECT_EQ(workers_.size(), 2);
  EXPECT_EQ(workers_.stalled(), 1);
  // One that drains takes nothing either, and nothing is wrong with it.
  broken.set_draining(true);
  workers_.Put(2, broken, Into(&second_));
  auto draining = Hello("worker-1", 4, 2);
  draining.set_draining(true);
  workers_.Put(1, draining, Into(&first_));
  of = workers_.Of("demo.echo");
  EXPECT_EQ(of.workers, 0);
  EXPECT_EQ(of.stalled, 0);
  EXPECT_EQ(of.prefetch, 2) << "they may still lie there";
  EXPECT_EQ(workers_.stalled(), 0);
}

TEST_F(WorkerRegistryTest, IsStalledOnlyIfItTakesOfNoQueue) {
  auto hello = Hello("worker-1", 4, 2);
  hello.mutable_queues(0)->set_problem("there is no such queue");
  auto* other = hello.add_queues();
  other->set_queue("mail");
  workers_.Put(1, hello, Into(&first_));
  EXPECT_EQ(workers_.Of("demo.echo").stalled, 1);
  EXPECT_EQ(workers_.Of("mail").workers, 1);
  EXPECT_EQ(workers_.stalled(), 0);
}

TEST_F(WorkerRegistryTest, DoesNotCountAWorkerThatWaitsAtOtherBrokerQueues) {
  WorkerRegistry workers("buzzer");
  auto hello = WithType(Hello("worker-1", 4, 2), "demo.echo", "demo.echo");
  hello.set_broker_queue_prefix("bazzer");
  workers.Put(1, hello, Into(&first_));
  EXPECT_EQ(workers.Of("demo.echo").workers, 0);
  EXPECT_EQ(workers.Of("demo.echo").prefetch, 0) << "no message of ours lies there";
  EXPECT_EQ(workers.Of("demo.echo").stalled, 1);
  EXPECT_FALSE(workers.Takes("demo.echo", "demo.echo"));
  EXPECT_EQ(workers.ProblemOf(1).find("its --broker_queue_prefix is \"bazzer\", and that of the "
                                      "state service is \"buzzer\""),
            0u);
  EXPECT_EQ(workers.stalled(), 1);
  for (const char* right : {"buzzer", ""}) {  // None: a worker from before the field.
    hello.set_broker_queue_prefix(right);
    workers.Put(1, hello, Into(&first_));
    EXPECT_EQ(workers.Of("demo.echo").workers, 1);
    EXPECT_EQ(workers.ProblemOf(1), "");
    EXPECT_TRUE(workers.Takes("demo.echo", "demo.echo"));
  }
}

TEST_F(WorkerRegistryTest, KnowsWhichTypesAreTakenNow) {
  EXPECT_FALSE(workers_.Takes("demo.echo", "demo.echo"));
  auto both = WithType(WithType(Hello("worker-1", 4, 0), "demo.echo", "demo.echo"), "mail", "post");
  workers_.Put(1, both, Into(&first_));
  workers_.Put(2, WithType(Hello("worker-2", 4, 0), "demo.echo", "demo.echo"), Into(&second_));
  EXPECT_TRUE(workers_.Takes("demo.echo", "demo.echo")) << "busy slots count";
  EXPECT_TRUE(workers_.Takes("mail", "post"));
  EXPECT_FALSE(workers_.Takes("mail", "demo.echo"));
  workers_.Remove(2);
  EXPECT_TRUE(workers_.Takes("demo.echo", "demo.echo"));
  both.mutable_queues(0)->set_problem("the broker is away");
  workers_.Put(1, both, Into(&first_));
  EXPECT_FALSE(workers_.Takes("demo.echo", "demo.echo"));
  EXPECT_TRUE(workers_.Takes("mail", "post"));
  both.mutable_queues(0)->clear_problem();
  both.set_draining(true);
  workers_.Put(1, both, Into(&first_));
  EXPECT_FALSE(workers_.Takes("mail", "post"));
  EXPECT_TRUE(workers_.Serves("post"));
  EXPECT_TRUE(workers_.HasHandler("mail"));
  workers_.Remove(1);
  EXPECT_FALSE(workers_.Serves("post"));
  EXPECT_FALSE(workers_.HasHandler("mail"));
}

TEST_F(WorkerRegistryTest, LetsEveryStreamAnnounceAnew) {
  int announced = 0;
  const auto announce = [&announced] { ++announced; };
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_), announce);
  workers_.Put(2, Hello("worker-2", 4, 2), Into(&second_), announce);
  workers_.AnnounceAll();
  EXPECT_EQ(announced, 2);
  workers_.Remove(1);
  workers_.AnnounceAll();
  EXPECT_EQ(announced, 3);
}

TEST_F(WorkerRegistryTest, TellsTheWorkerThatRunsTheJobToStop) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  workers_.Put(2, Hello("worker-2", 3, 0), Into(&second_));
  const JobRecord job = Submit();
  store().MustClaim(job.id);  // As worker-1.
  ASSERT_TRUE(store().Cancel(job.id).ok());
  EXPECT_EQ(first_, std::vector<JobId>{job.id});
  EXPECT_TRUE(second_.empty());
}

TEST_F(WorkerRegistryTest, TellsTheNewerStreamOfAWorkerThatReconnected) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  workers_.Put(2, Hello("worker-1", 4, 2), Into(&second_));
  workers_.Remove(1);  // The old stream goes late.
  const JobRecord job = Submit();
  store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  EXPECT_TRUE(first_.empty());
  EXPECT_EQ(second_, std::vector<JobId>{job.id});
}

TEST_F(WorkerRegistryTest, ForgetsTheOldNameOfAStream) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  workers_.Put(1, Hello("another", 4, 2), Into(&first_));
  const JobRecord job = Submit();
  store().MustClaim(job.id);  // As worker-1.
  ASSERT_TRUE(store().Cancel(job.id).ok());
  EXPECT_TRUE(first_.empty());
  workers_.Remove(1);
  EXPECT_EQ(workers_.size(), 0);
}

TEST_F(WorkerRegistryTest, LivesOnWhenAStreamOfTwoNamesIsGone) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  workers_.Put(1, Hello("another", 4, 2), Into(&first_));
  workers_.Remove(1);
  const JobRecord job = Submit();
  store().MustClaim(job.id);  // As worker-1, which no stream is any more.
  ASSERT_TRUE(store().Cancel(job.id).ok());
  EXPECT_TRUE(first_.empty());
}

TEST_F(WorkerRegistryTest, TellsTheOlderStreamOfAWorkerWhenTheNewerIsGone) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  workers_.Put(2, Hello("worker-1", 4, 2), Into(&second_));
  workers_.Put(1, Hello("worker-1", 4, 0), Into(&first_));  // The newer stays the newer.
  workers_.Remove(2);
  const JobRecord job = Submit();
  store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id).ok());
  EXPECT_EQ(first_, std::vector<JobId>{job.id});
  EXPECT_TRUE(second_.empty());
}

TEST_F(WorkerRegistryTest, StaysOneWorkerHoweverOftenItSaysHello) {
  for (int i = 0; i < 1000; ++i) workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  EXPECT_EQ(workers_.size(), 1);
  EXPECT_EQ(workers_.Of("demo.echo").slots, 4);
  workers_.Remove(1);
  workers_.Remove(1);
  EXPECT_EQ(workers_.size(), 0);
}

TEST_F(WorkerRegistryTest, AddsUpNoFurtherThanANumberGoes) {
  for (int i = 0; i < 3; ++i) workers_.Put(i, Hello("w", 1'000'000'000, 1), Into(&first_));
  EXPECT_EQ(workers_.Of("demo.echo").slots, std::numeric_limits<int>::max());
}

TEST_F(WorkerRegistryTest, TellsTheWorkerOfAJobThatWasEndedWithoutIt) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  const JobRecord job = Submit();
  store().MustClaim(job.id);
  ASSERT_TRUE(store().Cancel(job.id, /*force=*/true).ok());
  EXPECT_EQ(first_, std::vector<JobId>{job.id});
}

TEST_F(WorkerRegistryTest, TellsNobodyOfAJobThatWasNotRunning) {
  workers_.Put(1, Hello("worker-1", 4, 2), Into(&first_));
  ASSERT_TRUE(store().Cancel(Submit().id).ok());
  ASSERT_TRUE(store().Cancel(Submit().id, /*force=*/true).ok());
  // One that its worker has stopped hears of it no more.
  const JobRecord stopped = Submit();
  const LeaseRef lease = store().MustClaim(stopped.id);
  ASSERT_TRUE(store().Cancel(stopped.id).ok());
  first_.clear();
  ASSERT_TRUE(store().Fail(lease, true));
  EXPECT_TRUE(first_.empty());
}

}  // namespace
}  // namespace buzzer::state
