// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/broker/publisher_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "tests/fakes/fake_publisher.h"

namespace buzzer::state {
namespace {

using Use = PublisherGate::Use;

class PublisherGateTest : public ::testing::Test {
 protected:
  PublisherGateTest() { broker_.SetConfirming(false); }

  void Open() {
    gate_.Open(broker_.Start({}));
    broker_.SetUp(true);
  }
  // The destruction of the publisher tells this message that its fate is unknown.
  void PublishOne(std::function<void()> on_destroyed) {
    gate_.Enter()->Publish("q", "", [on_destroyed = std::move(on_destroyed)](amqp::Fate fate) {
      EXPECT_EQ(fate, amqp::Fate::kUnknown);
      on_destroyed();
    });
  }

  testing::FakeBroker broker_;
  PublisherGate gate_;
};

TEST_F(PublisherGateTest, LetsNobodyInBeforeThereIsAPublisher) { EXPECT_FALSE(gate_.Enter()); }

TEST_F(PublisherGateTest, LetsSeveralInAtOnce) {
  Open();
  const Use one = gate_.Enter();
  const Use other = gate_.Enter();
  ASSERT_TRUE(one);
  ASSERT_TRUE(other);
  EXPECT_TRUE(one->up());
  EXPECT_TRUE(other->up());
}

TEST_F(PublisherGateTest, LetsNobodyInOnceItIsClosed) {
  Open();
  gate_.Close();
  EXPECT_FALSE(gate_.Enter());
  gate_.Close();  // Once more: nothing happens.
}

TEST_F(PublisherGateTest, DestroysThePublisherAfterTheLastUse) {
  Open();
  std::atomic<bool> destroyed = false;
  PublishOne([&] { destroyed = true; });
  std::optional<Use> one = gate_.Enter();
  std::optional<Use> other = gate_.Enter();
  std::thread closes([&] { gate_.Close(); });
  while (gate_.Enter()) std::this_thread::yield();  // Until it has begun to close.
  one.reset();
  EXPECT_FALSE(destroyed);
  EXPECT_TRUE((*other)->up());
  other.reset();
  closes.join();
  EXPECT_TRUE(destroyed);
}

TEST_F(PublisherGateTest, AUseThatWasMovedEndsOnce) {
  Open();
  {
    Use first = gate_.Enter();
    const Use second = std::move(first);
    EXPECT_TRUE(second->up());
  }
  gate_.Close();
}

TEST_F(PublisherGateTest, CallbacksFindItClosedWhileThePublisherIsDestroyed) {
  Open();
  bool called = false;
  PublishOne([&] {
    called = true;
    EXPECT_FALSE(gate_.Enter());
  });
  gate_.Close();
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace buzzer::state
