// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/queue_views.h"

#include "common/errors/errors.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

class QueueViewsTest : public StoreTest {
 protected:
  QueueViewsTest() {
    store_->AddObserver(&rates_);
    types_.Declare({{"demo.echo", "demo.echo", {}}, {"mail", "mail", {}}});
  }
  ~QueueViewsTest() override { CloseStore(); }

  v1::Queue Get(const std::string& queue, const std::string& tenant = BlockingStore::kTenant) {
    auto view =
        testing::Await<v1::Queue>([&](const auto& done) { views_.Get(tenant, queue, done); });
    EXPECT_TRUE(view.ok()) << view.status();
    return view.value_or(v1::Queue());
  }

  TypeRegistry types_{store_.get(), &clock_, [](const std::string&) {}};
  WorkerRegistry workers_;
  QueueRates rates_{&clock_};
  QueueViews views_{{store_.get(), &types_, &workers_, &rates_, &clock_, {{"mail", 100}}}};
};

TEST_F(QueueViewsTest, ShowsEverythingOfAQueue) {
  clock_.Advance(absl::Minutes(5));
  Submit();
  clock_.Advance(absl::Seconds(12));
  store().MustClaim(Submit().id);
  ASSERT_TRUE(store().Succeed(store().MustClaim(Submit().id)));
  ASSERT_TRUE(store().Fail(store().MustClaim(Submit().id), true));
  ASSERT_TRUE(store().Fail(store().MustClaim(Submit().id), false));
  ASSERT_TRUE(store().Cancel(Submit().id).ok());
  const JobRecord cancelling = Submit();
  store().MustClaim(cancelling.id);
  ASSERT_TRUE(store().Cancel(cancelling.id).ok());
  internal::v1::Hello hello;
  hello.set_worker("worker-1");
  auto* served = hello.add_queues();
  served->set_queue("demo.echo");
  served->set_slots(4);
  workers_.Put(1, hello, [](const internal::v1::CancelNotice&) {});

  const v1::Queue queue = Get("demo.echo");
  EXPECT_EQ(queue.name(), "queues/demo.echo");
  EXPECT_FALSE(queue.paused());
  EXPECT_EQ(queue.ready(), 1);
  EXPECT_EQ(queue.running(), 2);
  EXPECT_EQ(queue.scheduled(), 1);
  EXPECT_EQ(queue.succeeded(), 1);
  EXPECT_EQ(queue.failed(), 1);
  EXPECT_EQ(queue.cancelled(), 1);
  EXPECT_EQ(queue.oldest_ready_age().seconds(), 12);
  EXPECT_EQ(queue.workers(), 1);
  EXPECT_EQ(queue.slots(), 4);
  EXPECT_EQ(queue.types_size(), 1);
  EXPECT_EQ(queue.max_waiting(), 0);
  EXPECT_DOUBLE_EQ(queue.submit_rate(), 7 / 60.0);
  EXPECT_DOUBLE_EQ(queue.start_rate(), 5 / 60.0);
  EXPECT_DOUBLE_EQ(queue.end_rate(), 3 / 60.0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Get("demo.echo").submit_rate(), 0);
}

TEST_F(QueueViewsTest, ShowsWhoTakesNothingAndWhy) {
  internal::v1::Hello hello;
  hello.set_worker("worker-1");
  auto* served = hello.add_queues();
  served->set_queue("demo.echo");
  served->set_slots(4);
  served->set_problem("the broker is away");
  workers_.Put(1, hello, [](const internal::v1::CancelNotice&) {});
  const v1::Queue queue = Get("demo.echo");
  EXPECT_EQ(queue.workers(), 0);
  EXPECT_EQ(queue.slots(), 0);
  EXPECT_EQ(queue.stalled_workers(), 1);
  EXPECT_EQ(queue.stall_reason(), "worker-1: the broker is away");
}

TEST_F(QueueViewsTest, CountsOnlyTheCallersJobs) {
  Submit();
  EXPECT_EQ(Get("demo.echo").ready(), 1);
  EXPECT_EQ(Get("demo.echo", "other").ready(), 0);
}

TEST_F(QueueViewsTest, ShowsPauseAndLimit) {
  types_.SetPaused("mail", true);
  const v1::Queue queue = Get("mail");
  EXPECT_TRUE(queue.paused());
  EXPECT_EQ(queue.max_waiting(), 100);
  EXPECT_FALSE(queue.has_oldest_ready_age());
}

TEST_F(QueueViewsTest, ListsEveryQueueByName) {
  const auto queues = testing::Await<std::vector<v1::Queue>>(
      [&](const auto& done) { views_.List(BlockingStore::kTenant, done); });
  ASSERT_TRUE(queues.ok());
  ASSERT_EQ(queues->size(), 2u);
  EXPECT_EQ((*queues)[0].name(), "queues/demo.echo");
  EXPECT_EQ((*queues)[1].name(), "queues/mail");
}

TEST_F(QueueViewsTest, KnowsNoOtherQueue) {
  const auto queue = testing::Await<v1::Queue>(
      [&](const auto& done) { views_.Get(BlockingStore::kTenant, "nowhere", done); });
  EXPECT_TRUE(absl::IsNotFound(queue.status()));
  EXPECT_EQ(ErrorReason(queue.status()), "QUEUE_NOT_FOUND");
}

}  // namespace
}  // namespace buzzer::state
