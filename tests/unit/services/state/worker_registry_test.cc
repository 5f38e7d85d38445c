// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/worker_registry.h"

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
