// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/worker_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

internal::v1::Hello Hello(const std::string& type, const std::string& queue, int slots, int idle) {
  internal::v1::Hello hello;
  auto* const served = hello.add_types();
  served->set_type(type);
  served->set_queue(queue);
  served->set_slots(slots);
  served->set_idle_slots(idle);
  return hello;
}

class WorkerSlotsTest : public ::testing::Test {
 protected:
  void Put(int64_t stream, const internal::v1::Hello& hello, bool takes_none = false) {
    slots_.Put(stream, hello, takes_none,
               [this, stream](const std::vector<internal::v1::Offer>& offers) {
                 for (const auto& offer : offers) {
                   EXPECT_EQ(offer.type(), "a");
                   offered_[stream].push_back(*JobId::FromBytes(offer.job_id()));
                 }
               });
  }

  WorkerSlots slots_;
  // By stream.
  std::map<int64_t, std::vector<JobId>> offered_;
  const std::vector<JobId> jobs_ = {JobId::Make(absl::Now()), JobId::Make(absl::Now()),
                                    JobId::Make(absl::Now())};
};

TEST_F(WorkerSlotsTest, HasNoneOfAWorkerThatTakesNothing) {
  Put(1, Hello("a", "q", 4, 4), /*takes_none=*/true);
  auto troubled = Hello("a", "q", 2, 2);
  auto* const queue = troubled.add_queues();
  queue->set_queue("q");
  queue->set_problem("it is not connected to the broker");
  Put(2, troubled);
  slots_.Offer("a", jobs_);
  EXPECT_THAT(offered_, IsEmpty());
  EXPECT_EQ(slots_.TypesOf("q").at("a").slots, 0);
}

TEST_F(WorkerSlotsTest, AddsUpWhatTheWorkersOfAQueueHave) {
  Put(1, Hello("a", "q", 4, 1));
  Put(2, Hello("a", "q", 2, 2));
  Put(3, Hello("b", "other", 9, 9));
  const auto types = slots_.TypesOf("q");
  ASSERT_EQ(types.size(), 1u);
  EXPECT_EQ(types.at("a").slots, 6);
  EXPECT_EQ(types.at("a").idle, 3);
  slots_.Remove(1);
  EXPECT_EQ(slots_.TypesOf("q").at("a").slots, 2);
}

TEST_F(WorkerSlotsTest, OffersOneJobForEachIdleSlot) {
  Put(1, Hello("a", "q", 4, 2));
  Put(2, Hello("a", "q", 4, 0));
  slots_.Offer("a", jobs_);
  EXPECT_THAT(offered_[1], ElementsAre(jobs_[0], jobs_[1]));
  EXPECT_THAT(offered_[2], IsEmpty());
  EXPECT_EQ(slots_.TypesOf("q").at("a").idle, 0) << "until it says Hello again";
}

TEST_F(WorkerSlotsTest, SpreadsJobsOverTheWorkersThatAreIdle) {
  Put(1, Hello("a", "q", 4, 1));
  Put(2, Hello("a", "q", 4, 4));
  slots_.Offer("a", jobs_);
  EXPECT_THAT(offered_[1], ElementsAre(jobs_[0]));
  EXPECT_THAT(offered_[2], ElementsAre(jobs_[1], jobs_[2]));
}

TEST_F(WorkerSlotsTest, OffersNothingOfATypeThatAWorkerDoesNotServe) {
  Put(1, Hello("b", "q", 4, 4));
  slots_.Offer("a", jobs_);
  EXPECT_THAT(offered_, IsEmpty());
}

TEST_F(WorkerSlotsTest, OffersNothingToAWorkerThatDrains) {
  internal::v1::Hello hello = Hello("a", "q", 4, 4);
  hello.set_draining(true);
  Put(1, hello);
  slots_.Offer("a", jobs_);
  EXPECT_THAT(offered_, IsEmpty());
}

TEST_F(WorkerSlotsTest, SurvivesNumbersThatNoWorkerHas) {
  Put(1, Hello("a", "q", 2'147'483'647, 2'147'483'647));
  Put(2, Hello("a", "q", 2'147'483'647, -5));
  EXPECT_EQ(slots_.TypesOf("q").at("a").slots, 2'147'483'647);
  slots_.Offer("a", jobs_);
  EXPECT_EQ(offered_[1].size(), 3u);
}

}  // namespace
}  // namespace buzzer::state
