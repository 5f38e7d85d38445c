// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/amqp/publisher.h"
#include "common/mutex/mutex.h"
#include "tests/integration/support/broker_node.h"
#include "tests/integration/support/watched.h"

namespace buzzer::amqp {
namespace {

using ::testing::AllOf;
using testing::BrokerNode;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testing::Watched;

// A limit that no test waits out, far above what a slow disk takes: the broker syncs its files many
// times for a new queue.
constexpr absl::Duration kPatience = absl::Seconds(60);
// The heartbeat of a test that freezes the broker and waits until the consumer notices.
constexpr absl::Duration kNoticesSoon = absl::Seconds(2);

using Deliveries = std::vector<Delivery>;
using Closed = std::map<ChannelId, absl::Status>;

std::vector<std::string> Bodies(const Deliveries& deliveries) {
  std::vector<std::string> bodies;
  for (const Delivery& delivery : deliveries) bodies.push_back(delivery.body);
  return bodies;
}

// A consumer and what it was told.
struct Subject {
  explicit Subject(const Address& address, absl::Duration heartbeat = kPatience) {
    Consumer::Options options;
    options.address = address;
    options.connection_name = "consumer-test";
    options.heartbeat = heartbeat;
    options.connect_timeout = absl::Seconds(2);
    options.rpc_timeout = kPatience;
    options.start_timeout = kPatience;
    options.on_up = [this] { ups.Update([](int& n) { ++n; }); };
    options.on_down = [this] { downs.Update([](int& n) { ++n; }); };
    options.on_delivery = [this](Delivery delivery) {
      deliveries.Update([&](Deliveries& all) { all.push_back(std::move(delivery)); });
    };
    options.on_consuming = [this](ChannelId channel) {
      consuming.Update([channel](std::set<ChannelId>& all) { all.insert(channel); });
    };
    options.on_closed = [this](ChannelId channel, absl::Status status) {
      closed.Update([&](Closed& all) { all[channel] = std::move(status); });
    };
    consumer = Consumer::Start(std::move(options));
    EXPECT_TRUE(ups.Await([](int n) { return n == 1; }));
  }

  bool AwaitDeliveries(size_t count) {
    return deliveries.Await([count](const Deliveries& all) { return all.size() >= count; });
  }
  bool AwaitClosed(ChannelId channel) {
    return closed.Await([channel](const Closed& all) { return all.count(channel) != 0; });
  }
  void Ack(const Delivery& delivery) { consumer->Ack(delivery.channel, delivery.tag); }

  Watched<int> ups{0};
  Watched<int> downs{0};
  Watched<Deliveries> deliveries;
  Watched<std::set<ChannelId>> consuming;
  Watched<Closed> closed;
  std::unique_ptr<Consumer> consumer;
};

// One node and one publisher for all tests; each test has queues of its own.
class ConsumerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    node_ = new BrokerNode;
    ups_ = new Watched<int>(0);
    Publisher::Options options;
    options.address = node_->address();
    options.rpc_timeout = kPatience;
    options.confirm_timeout = kPatience;
    options.on_up = [] { ups_->Update([](int& n) { ++n; }); };
    publisher_ = Publisher::Start(std::move(options)).release();
    ASSERT_TRUE(ups_->Await([](int n) { return n == 1; }));
  }
  static void TearDownTestSuite() {
    delete publisher_;
    delete ups_;
    delete node_;
  }

  static void Declare(const std::string& queue) {
    Watched<absl::Status> result(absl::UnknownError("no answer"));
    publisher_->Declare(queue, Line::kShared,
                        [&](const absl::StatusOr<QueueInfo>& info) { result.Set(info.status()); });
    ASSERT_TRUE(result.Await([](const absl::Status& s) { return !absl::IsUnknown(s); }));
    ASSERT_TRUE(result.Get().ok()) << result.Get();
  }

  // Confirmed when it returns. Bodies are 0, 1, 2 and so on.
  static void Publish(const std::string& queue, int count) {
    Watched<std::vector<Fate>> fates;
    for (int i = 0; i < count; ++i) {
      publisher_->Publish(queue, absl::StrCat(i), [&](Fate fate) {
        fates.Update([fate](std::vector<Fate>& all) { all.push_back(fate); });
      });
    }
    ASSERT_TRUE(fates.Await([count](const std::vector<Fate>& all) {
      return all.size() == static_cast<size_t>(count);
    }));
    ASSERT_THAT(fates.Get(), Each(Fate::kConfirmed));
  }

  static int64_t Ready(const std::string& queue) {
    Watched<absl::StatusOr<QueueInfo>> result(absl::UnknownError("no answer"));
    publisher_->Inspect(queue,
                        [&](absl::StatusOr<QueueInfo> info) { result.Set(std::move(info)); });
    EXPECT_TRUE(result.Await(
        [](const absl::StatusOr<QueueInfo>& info) { return !absl::IsUnknown(info.status()); }));
    return result.Get().ok() ? result.Get()->ready : -1;
  }

  static bool AwaitReady(const std::string& queue, int64_t ready) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (Ready(queue) != ready) {
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }

  static BrokerNode* node_;
  static Watched<int>* ups_;
  static Publisher* publisher_;
};

BrokerNode* ConsumerTest::node_ = nullptr;
Watched<int>* ConsumerTest::ups_ = nullptr;
Publisher* ConsumerTest::publisher_ = nullptr;

TEST_F(ConsumerTest, DeliversInOrderWithQueueAndBody) {
  Declare("plain");
  Publish("plain", 3);
  Subject subject(node_->address());
  const ChannelId channel = subject.consumer->Open({"plain"}, 10);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  EXPECT_THAT(Bodies(subject.deliveries.Get()), ElementsAre("0", "1", "2"));
  EXPECT_THAT(subject.deliveries.Get(),
              Each(AllOf(Field(&Delivery::channel, channel), Field(&Delivery::queue, "plain"),
                         Field(&Delivery::redelivered, false))));
}

TEST_F(ConsumerTest, CarriesBodiesOfAnySize) {
  Declare("sizes");
  const std::vector<std::string> bodies = {"", std::string(300'000, 'x'),
                                           std::string("\0\xff\xce", 3)};
  for (const std::string& body : bodies) publisher_->Publish("sizes", body, [](Fate) {});
  Subject subject(node_->address());
  subject.consumer->Open({"sizes"}, 10);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  EXPECT_EQ(Bodies(subject.deliveries.Get()), bodies);
}

TEST_F(ConsumerTest, KeepsNoMoreOfABodyThanTheLimit) {
  Declare("large");
  for (const size_t size : {Delivery::kMaxBodyBytes, 3 * Delivery::kMaxBodyBytes}) {
    publisher_->Publish("large", std::string(size, 'x'), [](Fate) {});
  }
  publisher_->Publish("large", "next", [](Fate) {});
  Subject subject(node_->address());
  subject.consumer->Open({"large"}, 10);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  const std::string longest(Delivery::kMaxBodyBytes, 'x');
  EXPECT_THAT(Bodies(subject.deliveries.Get()), ElementsAre(longest, longest, "next"));
}

TEST_F(ConsumerTest, HoldsNoMoreThanItsPrefetchUnacked) {
  Declare("prefetch");
  Publish("prefetch", 10);
  Subject subject(node_->address());
  subject.consumer->Open({"prefetch"}, 3);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  EXPECT_TRUE(AwaitReady("prefetch", 7));
  EXPECT_THAT(subject.deliveries.Get(), SizeIs(3));

  subject.Ack(subject.deliveries.Get()[1]);
  ASSERT_TRUE(subject.AwaitDeliveries(4));
  EXPECT_TRUE(AwaitReady("prefetch", 6));
  EXPECT_THAT(Bodies(subject.deliveries.Get()), ElementsAre("0", "1", "2", "3"));
}

TEST_F(ConsumerTest, GivesEachQueueOfAChannelItsOwnPrefetch) {
  Declare("high");
  Declare("low");
  Publish("high", 5);
  Publish("low", 5);
  Subject subject(node_->address());
  subject.consumer->Open({"high", "low"}, 2);
  ASSERT_TRUE(subject.AwaitDeliveries(4));
  EXPECT_TRUE(AwaitReady("high", 3));
  EXPECT_TRUE(AwaitReady("low", 3));
  std::map<std::string, int> counts;
  for (const Delivery& delivery : subject.deliveries.Get()) ++counts[delivery.queue];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"high", 2}, {"low", 2}}));
}

TEST_F(ConsumerTest, GivesUnackedDeliveriesBackInOrderWhenAChannelCloses) {
  Declare("given-back");
  Publish("given-back", 6);
  Subject full(node_->address());
  const ChannelId channel = full.consumer->Open({"given-back"}, 6);
  ASSERT_TRUE(full.AwaitDeliveries(6));
  full.Ack(full.deliveries.Get()[0]);

  Subject idle(node_->address());
  idle.consumer->Open({"given-back"}, 10);
  full.consumer->Close(channel);
  ASSERT_TRUE(idle.AwaitDeliveries(5));
  EXPECT_THAT(Bodies(idle.deliveries.Get()), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(idle.deliveries.Get(), Each(Field(&Delivery::redelivered, true)));
  EXPECT_THAT(full.closed.Get(), IsEmpty());
  EXPECT_THAT(full.deliveries.Get(), SizeIs(6));
}

TEST_F(ConsumerTest, TellsNothingOfAChannelThatItsOwnCallbackClosed) {
  Declare("closed-inside");
  Publish("closed-inside", 100);
  Watched<int> told{0};
  Watched<bool> up{false};
  std::unique_ptr<Consumer> consumer;
  Consumer::Options options;
  options.address = node_->address();
  options.on_up = [&] { up.Set(true); };
  options.on_delivery = [&](const Delivery& delivery) {
    told.Update([](int& n) { ++n; });
    consumer->Ack(delivery.channel, delivery.tag);
    consumer->Close(delivery.channel);
  };
  consumer = Consumer::Start(std::move(options));
  ASSERT_TRUE(up.Await([](bool is_up) { return is_up; }));
  consumer->Open({"closed-inside"}, 100);
  ASSERT_TRUE(told.Await([](int n) { return n == 1; }));
  EXPECT_TRUE(AwaitReady("closed-inside", 99));
  EXPECT_EQ(told.Get(), 1);
}

TEST_F(ConsumerTest, SaysWhenItConsumesOfAllQueuesOfAChannel) {
  Declare("consumed");
  Subject subject(node_->address());
  const ChannelId missing = subject.consumer->Open({"consumed", "not-there"}, 1);
  ASSERT_TRUE(subject.AwaitClosed(missing));
  const ChannelId whole = subject.consumer->Open({"consumed"}, 1);
  EXPECT_TRUE(subject.consuming.Await([&](const auto& all) { return all.contains(whole); }));
  EXPECT_FALSE(subject.consuming.Get().contains(missing));
}

TEST_F(ConsumerTest, SaysWhyItReachesNoBrokerButNotThePassword) {
  Watched<std::string> told;
  Consumer::Options options;
  options.address = node_->address();
  options.address.password = "not-the-password";
  options.on_unreachable = [&](const std::string& why) { told.Set(why); };
  const std::unique_ptr<Consumer> consumer = Consumer::Start(std::move(options));
  ASSERT_TRUE(told.Await([](const std::string& why) { return !why.empty(); }));
  EXPECT_THAT(told.Get(), HasSubstr("ACCESS_REFUSED"));
  EXPECT_THAT(told.Get(), Not(HasSubstr("not-the-password")));
}

TEST_F(ConsumerTest, SaysWhenAQueueIsMissing) {
  Declare("there");
  Subject subject(node_->address());
  const ChannelId there = subject.consumer->Open({"there"}, 1);
  const ChannelId missing = subject.consumer->Open({"there", "missing"}, 1);
  const ChannelId invalid = subject.consumer->Open({std::string(256, 'q')}, 1);
  ASSERT_TRUE(subject.AwaitClosed(missing));
  ASSERT_TRUE(subject.AwaitClosed(invalid));
  EXPECT_TRUE(absl::IsNotFound(subject.closed.Get()[missing])) << subject.closed.Get()[missing];
  EXPECT_TRUE(absl::IsInvalidArgument(subject.closed.Get()[invalid]));

  Publish("there", 1);
  ASSERT_TRUE(subject.AwaitDeliveries(1));
  EXPECT_EQ(subject.deliveries.Get()[0].channel, there);
  subject.consumer->Ack(missing, 1);  // dropped
  EXPECT_EQ(subject.downs.Get(), 0);
}

// The broker knows a quorum queue a moment before it is there; to consume it then costs the
// connection. Asked for again at once, as here, each is met in that moment.
TEST_F(ConsumerTest, KeepsItsConnectionWhileQueuesAreBeingMade) {
  constexpr int kQueues = 40;
  std::unique_ptr<Consumer> consumer;
  Watched<bool> up{false};
  Watched<int> downs{0};
  Watched<std::set<std::string>> delivered;
  std::map<ChannelId, std::string> queues;  // Under the mutex.
  Mutex mutex;
  const auto open = [&](const std::string& queue) {
    MutexLock lock(&mutex);
    queues[consumer->Open({queue}, 1)] = queue;
  };
  Consumer::Options options;
  options.address = node_->address();
  options.connection_name = "consumer-test";
  options.on_up = [&] { up.Set(true); };
  options.on_down = [&] { downs.Update([](int& n) { ++n; }); };
  options.on_closed = [&](ChannelId channel, const absl::Status&) {
    std::string queue;
    {
      MutexLock lock(&mutex);
      queue = queues[channel];
    }
    open(queue);
  };
  options.on_delivery = [&](const Delivery& delivery) {
    delivered.Update([&](std::set<std::string>& all) { all.insert(delivery.queue); });
  };
  consumer = Consumer::Start(std::move(options));
  ASSERT_TRUE(up.Await([](bool is_up) { return is_up; }));
  for (int i = 0; i < kQueues; ++i) {
    const std::string queue = absl::StrCat("being-made-", i);
    open(queue);
    publisher_->Declare(queue, Line::kShared, [queue](const absl::StatusOr<QueueInfo>& info) {
      EXPECT_TRUE(info.ok()) << info.status();
      publisher_->Publish(queue, "first", [](Fate) {});
    });
  }
  EXPECT_TRUE(
      delivered.Await([](const std::set<std::string>& all) { return all.size() == kQueues; }));
  EXPECT_EQ(downs.Get(), 0);
  consumer.reset();
}

TEST_F(ConsumerTest, SaysWhenAQueueIsDeletedUnderIt) {
  Declare("doomed");
  Declare("spared");
  Subject subject(node_->address());
  const ChannelId doomed = subject.consumer->Open({"doomed"}, 1);
  subject.consumer->Open({"spared"}, 1);
  Publish("doomed", 1);
  ASSERT_TRUE(subject.AwaitDeliveries(1));
  node_->Ctl("delete_queue doomed");
  ASSERT_TRUE(subject.AwaitClosed(doomed));
  EXPECT_TRUE(absl::IsNotFound(subject.closed.Get()[doomed])) << subject.closed.Get()[doomed];

  Publish("spared", 1);
  ASSERT_TRUE(subject.AwaitDeliveries(2));
  Declare("doomed");
  Publish("doomed", 1);
  subject.consumer->Open({"doomed"}, 1);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  EXPECT_EQ(subject.downs.Get(), 0);
}

TEST_F(ConsumerTest, GetsUnackedMessagesAgainAfterALostConnection) {
  Declare("lost");
  Publish("lost", 2);
  Subject subject(node_->address(), kNoticesSoon);
  const ChannelId before = subject.consumer->Open({"lost"}, 2);
  ASSERT_TRUE(subject.AwaitDeliveries(2));
  subject.Ack(subject.deliveries.Get()[0]);
  ASSERT_TRUE(AwaitReady("lost", 0));

  node_->Freeze();
  ASSERT_TRUE(subject.downs.Await([](int n) { return n == 1; }));
  EXPECT_FALSE(subject.consumer->up());
  const ChannelId nowhere = subject.consumer->Open({"lost"}, 2);
  subject.Ack(subject.deliveries.Get()[1]);  // too late
  node_->Thaw();
  ASSERT_TRUE(subject.ups.Await([](int n) { return n == 2; }));
  EXPECT_THAT(subject.deliveries.Get(), SizeIs(2));

  const ChannelId after = subject.consumer->Open({"lost"}, 2);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  const Delivery again = subject.deliveries.Get()[2];
  EXPECT_EQ(again.body, "1");
  EXPECT_TRUE(again.redelivered);
  EXPECT_EQ(again.channel, after);
  EXPECT_THAT((std::set<ChannelId>{before, nowhere, after}), SizeIs(3));
  EXPECT_THAT(subject.closed.Get(), IsEmpty());
}

TEST_F(ConsumerTest, GoesOnAfterTheBrokerWasKilled) {
  Declare("killed");
  Publish("killed", 3);
  Subject subject(node_->address());
  subject.consumer->Open({"killed"}, 3);
  ASSERT_TRUE(subject.AwaitDeliveries(3));
  // A node needs half a second until it knows a new queue for good (tools/broker).
  node_->Stop();
  ASSERT_TRUE(subject.downs.Await([](int n) { return n == 1; }));
  node_->Start();
  ASSERT_TRUE(subject.ups.Await([](int n) { return n == 2; }));
  node_->Kill();
  ASSERT_TRUE(subject.downs.Await([](int n) { return n == 2; }));
  node_->Start();
  ASSERT_TRUE(subject.ups.Await([](int n) { return n == 3; }));
  subject.consumer->Open({"killed"}, 3);
  ASSERT_TRUE(subject.AwaitDeliveries(6));
  EXPECT_THAT(Bodies(subject.deliveries.Get()), ElementsAre("0", "1", "2", "0", "1", "2"));
  // For the tests after this one.
  ASSERT_TRUE(ups_->Await([](int) { return publisher_->up(); }));
}

TEST_F(ConsumerTest, ConsumesThroughAMemoryAlarm) {
  Declare("alarm");
  Publish("alarm", 2);
  Subject subject(node_->address());
  subject.consumer->Open({"alarm"}, 1);
  ASSERT_TRUE(subject.AwaitDeliveries(1));
  node_->SetMemoryAlarm(true);
  subject.Ack(subject.deliveries.Get()[0]);
  EXPECT_TRUE(subject.AwaitDeliveries(2));
  EXPECT_EQ(subject.downs.Get(), 0);
  node_->SetMemoryAlarm(false);
}

TEST_F(ConsumerTest, LosesNothingWhileChannelsOpenAndClose) {
  Declare("churn");
  Publish("churn", 20);
  Subject subject(node_->address());
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kRounds = 200;
  for (int i = 0; i < kRounds; ++i) {
    const size_t seen = subject.deliveries.Get().size();
    const ChannelId channel = subject.consumer->Open({"churn"}, 1);
    ASSERT_TRUE(subject.AwaitDeliveries(seen + 1));
    subject.consumer->Close(channel);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("reopened a channel, up to its first delivery, in %.2f ms\n",
              seconds.count() * 1000 / kRounds);
  EXPECT_TRUE(AwaitReady("churn", 20));
  EXPECT_THAT(subject.closed.Get(), IsEmpty());
}

TEST_F(ConsumerTest, EndsWhileTheBrokerHangs) {
  Declare("hanging");
  Subject subject(node_->address());
  subject.consumer->Open({"hanging"}, 1);
  node_->Freeze();
  subject.consumer.reset();
  EXPECT_EQ(subject.downs.Get(), 0);
  node_->Thaw();
}

}  // namespace
}  // namespace buzzer::amqp
