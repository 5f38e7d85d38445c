// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/broker/queue_preparer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fakes/fake_publisher.h"

namespace buzzer::state {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kQueue[] = "q";

class QueuePreparerTest : public ::testing::Test {
 protected:
  QueuePreparerTest() {
    gate_.Open(broker_.Start({}));
    broker_.SetUp(true);
  }
  ~QueuePreparerTest() override { gate_.Close(); }

  static BrokerQueues::Step Step() { return {.queue = kQueue, .epoch = 7}; }
  // Returns how it went.
  absl::Status Prepare(const BrokerQueues::Step& step) {
    preparer_.Prepare(step);
    EXPECT_THAT(done_, SizeIs(1));
    if (done_.empty()) return absl::UnknownError("nobody said");
    const absl::Status status = done_[0];
    done_.clear();
    return status;
  }
  // A queue that holds a message.
  void Fill() {
    ASSERT_TRUE(Prepare(Step()).ok());
    gate_.Enter()->Publish(kQueue, "", [](amqp::Fate) {});
    ASSERT_THAT(broker_.Ready(kQueue), SizeIs(1));
  }

  testing::FakeBroker broker_;
  PublisherGate gate_;
  std::vector<absl::Status> done_;
  QueuePreparer preparer_{&gate_,
                          [this](const BrokerQueues::Step& step, const absl::Status& status) {
                            EXPECT_EQ(step.queue, kQueue);
                            EXPECT_EQ(step.epoch, 7);
                            done_.push_back(status);
                          }};
};

TEST_F(QueuePreparerTest, DeclaresAQueueAndDoesNotPurgeIfEmpty) {
  EXPECT_TRUE(Prepare(Step()).ok());
  EXPECT_TRUE(broker_.HasQueue(kQueue));
  EXPECT_EQ(broker_.declares_alone(kQueue), 0);
  EXPECT_EQ(broker_.purges(kQueue), 0);
}

TEST_F(QueuePreparerTest, EmptiesAQueueThatHoldsSomething) {
  Fill();
  EXPECT_TRUE(Prepare(Step()).ok());
  EXPECT_THAT(broker_.Ready(kQueue), IsEmpty());
}

TEST_F(QueuePreparerTest, LeavesAQueueAsItIsThatIsOnlyChecked) {
  Fill();
  BrokerQueues::Step check = Step();
  check.alone = true;
  check.check = true;
  EXPECT_TRUE(Prepare(check).ok());
  EXPECT_EQ(broker_.declares_alone(kQueue), 1);
  EXPECT_THAT(broker_.Ready(kQueue), SizeIs(1));
}

TEST_F(QueuePreparerTest, SaysThatAnAbortedDeclareWasAborted) {
  broker_.BreakQueue(kQueue);
  EXPECT_TRUE(absl::IsAborted(Prepare(Step())));
}

TEST_F(QueuePreparerTest, GoesOnWithoutAPurgeThatFails) {
  Fill();
  broker_.RefusePurge(kQueue);
  EXPECT_TRUE(Prepare(Step()).ok());
  EXPECT_EQ(broker_.purges(kQueue), 1);
}

TEST_F(QueuePreparerTest, DeletesFirstWhatIsToBeMadeAnew) {
  broker_.BreakQueue(kQueue);
  BrokerQueues::Step remake = Step();
  remake.alone = true;
  remake.remake = true;
  EXPECT_TRUE(Prepare(remake).ok());
  EXPECT_EQ(broker_.deletes(kQueue), 1);
  EXPECT_EQ(broker_.declares_alone(kQueue), 1);
}

TEST_F(QueuePreparerTest, DoesNotDeclareWhatItCouldNotDelete) {
  broker_.SetUp(false);
  BrokerQueues::Step remake = Step();
  remake.alone = true;
  remake.remake = true;
  EXPECT_TRUE(absl::IsUnavailable(Prepare(remake)));
  EXPECT_EQ(broker_.declares(kQueue), 0);
}

TEST_F(QueuePreparerTest, DeletesAQueueThatNobodyNeeds) {
  Fill();
  preparer_.Delete(kQueue);
  EXPECT_FALSE(broker_.HasQueue(kQueue));
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(QueuePreparerTest, DoesNothingWithoutAPublisher) {
  gate_.Close();
  preparer_.Prepare(Step());
  preparer_.Delete(kQueue);
  EXPECT_EQ(broker_.declares(kQueue), 0);
  EXPECT_EQ(broker_.deletes(kQueue), 0);
  EXPECT_THAT(done_, IsEmpty());
}

}  // namespace
}  // namespace buzzer::state
