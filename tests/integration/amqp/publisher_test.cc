// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/integration/support/broker_node.h"
#include "tests/integration/support/watched.h"

namespace buzzer::amqp {
namespace {

using testing::BrokerNode;
using testing::Watched;

using Fates = std::map<Fate, int>;

int Total(const Fates& fates) {
  int total = 0;
  for (const auto& [fate, count] : fates) total += count;
  return total;
}

// One node for all tests; each test has queues of its own.
class PublisherTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { node_ = new BrokerNode; }
  static void TearDownTestSuite() {
    delete node_;
    node_ = nullptr;
  }

  Publisher::Options Options() {
    Publisher::Options options;
    options.address = node_->address();
    options.connection_name = "publisher-test";
    options.on_up = [this] { ups_.Update([](int& ups) { ++ups; }); };
    options.on_down = [this] {
      fates_at_down_.Set(fates_.Get());
      downs_.Update([](int& downs) { ++downs; });
    };
    return options;
  }

  void Start(Publisher::Options options) {
    publisher_ = Publisher::Start(std::move(options));
    ASSERT_TRUE(ups_.Await([](int ups) { return ups == 1; }));
    ASSERT_TRUE(publisher_->up());
  }
  void Start() { Start(Options()); }

  void Publish(const std::string& queue, int count, const std::string& body = "body") {
    for (int i = 0; i < count; ++i) {
      publisher_->Publish(queue, body, [this](Fate fate) {
        fates_.Update([fate](Fates& fates) { ++fates[fate]; });
      });
    }
  }

  bool AwaitFates(int total) {
    return fates_.Await([total](const Fates& fates) { return Total(fates) == total; });
  }
  int Count(Fate fate) { return fates_.Get()[fate]; }

  absl::StatusOr<QueueInfo> Declare(const std::string& queue, Line line = Line::kShared) {
    auto result =
        std::make_shared<Watched<absl::StatusOr<QueueInfo>>>(absl::UnknownError("no answer"));
    publisher_->Declare(queue, line,
                        [result](absl::StatusOr<QueueInfo> info) { result->Set(std::move(info)); });
    EXPECT_TRUE(result->Await(
        [](const absl::StatusOr<QueueInfo>& info) { return !absl::IsUnknown(info.status()); }));
    return result->Get();
  }

  absl::Status Purge(const std::string& queue) {
    auto result = std::make_shared<Watched<absl::Status>>(absl::UnknownError("no answer"));
    publisher_->Purge(queue, Line::kShared,
                      [result](absl::Status status) { result->Set(std::move(status)); });
    EXPECT_TRUE(result->Await([](const absl::Status& s) { return !absl::IsUnknown(s); }));
    return result->Get();
  }

  absl::Status Delete(const std::string& queue) {
    auto result = std::make_shared<Watched<absl::Status>>(absl::UnknownError("no answer"));
    publisher_->Delete(queue, Line::kShared,
                       [result](absl::Status status) { result->Set(std::move(status)); });
    EXPECT_TRUE(result->Await([](const absl::Status& s) { return !absl::IsUnknown(s); }));
    return result->Get();
  }

  absl::StatusOr<QueueInfo> Inspect(const std::string& queue) {
    auto result =
        std::make_shared<Watched<absl::StatusOr<QueueInfo>>>(absl::UnknownError("no answer"));
    publisher_->Inspect(queue,
                        [result](absl::StatusOr<QueueInfo> info) { result->Set(std::move(info)); });
    EXPECT_TRUE(result->Await(
        [](const absl::StatusOr<QueueInfo>& info) { return !absl::IsUnknown(info.status()); }));
    return result->Get();
  }

  // Freshly restarted, a quorum queue has no leader for a moment.
  int64_t ReadyOnceItAnswers(const std::string& queue) {
    for (int i = 0; i < 100; ++i) {
      const absl::StatusOr<QueueInfo> info = Inspect(queue);
      if (info.ok()) return info->ready;
      EXPECT_TRUE(absl::IsUnavailable(info.status())) << info.status();
    }
    return -1;
  }

  static BrokerNode* node_;

  Watched<int> ups_{0};
  Watched<int> downs_{0};
  Watched<Fates> fates_;
  Watched<Fates> fates_at_down_;
  std::unique_ptr<Publisher> publisher_;
};

BrokerNode* PublisherTest::node_ = nullptr;

TEST_F(PublisherTest, ConfirmsTenThousandPipelinedMessages) {
  Start();
  ASSERT_TRUE(Declare("pipelined").ok());
  const auto begin = std::chrono::steady_clock::now();
  Publish("pipelined", 10'000);
  ASSERT_TRUE(AwaitFates(10'000));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("published and confirmed %.0f messages/s\n", 10'000 / seconds.count());
  EXPECT_EQ(Count(Fate::kConfirmed), 10'000);
  ASSERT_TRUE(Inspect("pipelined").ok());
  EXPECT_EQ(Inspect("pipelined")->ready, 10'000);
  EXPECT_EQ(Inspect("pipelined")->consumers, 0);
  EXPECT_TRUE(Purge("pipelined").ok());
  EXPECT_EQ(Inspect("pipelined")->ready, 0);
}

TEST_F(PublisherTest, TellsWhatADeclaredQueueHolds) {
  Start();
  EXPECT_EQ(Declare("held")->ready, 0);
  Publish("held", 3);
  ASSERT_TRUE(AwaitFates(3));
  EXPECT_EQ(Declare("held")->ready, 3);
  EXPECT_EQ(Declare("held", Line::kAlone)->ready, 3);
}

TEST_F(PublisherTest, DeletesAQueueWithItsMessages) {
  Start();
  ASSERT_TRUE(Declare("deleted").ok());
  Publish("deleted", 3);
  ASSERT_TRUE(AwaitFates(3));
  EXPECT_TRUE(Delete("deleted").ok());
  EXPECT_TRUE(absl::IsNotFound(Inspect("deleted").status()));
  EXPECT_TRUE(Delete("deleted").ok()) << "there is none";
}

TEST_F(PublisherTest, ConfirmsWithOneUnconfirmedMessageAtATime) {
  Publisher::Options options = Options();
  options.max_unconfirmed = 1;
  Start(std::move(options));
  ASSERT_TRUE(Declare("one-by-one").ok());
  Publish("one-by-one", 100);
  ASSERT_TRUE(AwaitFates(100));
  EXPECT_EQ(Count(Fate::kConfirmed), 100);
}

TEST_F(PublisherTest, CarriesBodiesOfAnySize) {
  Start();
  ASSERT_TRUE(Declare("sizes").ok());
  Publish("sizes", 1, "");
  Publish("sizes", 1, std::string(300'000, 'x'));
  Publish("sizes", 1, std::string("\0\xff\xce", 3));
  ASSERT_TRUE(AwaitFates(3));
  EXPECT_EQ(Count(Fate::kConfirmed), 3);
}

TEST_F(PublisherTest, TellsWhichMessagesHadNoQueue) {
  Start();
  ASSERT_TRUE(Declare("there").ok());
  for (int i = 0; i < 50; ++i) {
    Publish("there", 1);
    Publish("not-there", 1);
  }
  Publish(std::string(256, 'q'), 1);
  ASSERT_TRUE(AwaitFates(101));
  EXPECT_EQ(Count(Fate::kConfirmed), 50);
  EXPECT_EQ(Count(Fate::kReturned), 51);
  EXPECT_EQ(Inspect("there")->ready, 50);
}

TEST_F(PublisherTest, TellsWhenItsQueueIsDeleted) {
  Start();
  ASSERT_TRUE(Declare("deleted").ok());
  node_->Ctl("delete_queue deleted");
  Publish("deleted", 1);
  ASSERT_TRUE(AwaitFates(1));
  EXPECT_EQ(Count(Fate::kReturned), 1);
  EXPECT_TRUE(absl::IsNotFound(Inspect("deleted").status()));
  EXPECT_TRUE(Declare("deleted").ok());
  Publish("deleted", 1);
  ASSERT_TRUE(AwaitFates(2));
  EXPECT_EQ(Count(Fate::kConfirmed), 1);
}

TEST_F(PublisherTest, DeclaresAgainWhatIsThere) {
  Start();
  EXPECT_TRUE(Declare("twice").ok());
  EXPECT_TRUE(Declare("twice").ok());
}

TEST_F(PublisherTest, PublishesOnWhileAdministrationFails) {
  Start();
  ASSERT_TRUE(Declare("busy").ok());
  node_->Ctl(
      "eval 'rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"classic\">>), true, "
      "false, [], none, <<\"test\">>).'");
  Publish("busy", 2000);
  Watched<int> failures{0};
  for (int i = 0; i < 20; ++i) {
    publisher_->Declare("classic", Line::kShared, [&](const absl::StatusOr<QueueInfo>& info) {
      EXPECT_TRUE(absl::IsFailedPrecondition(info.status())) << info.status();
      failures.Update([](int& n) { ++n; });
    });
    publisher_->Inspect("missing", [&](const absl::StatusOr<QueueInfo>& info) {
      EXPECT_TRUE(absl::IsNotFound(info.status())) << info.status();
      failures.Update([](int& n) { ++n; });
    });
    publisher_->Purge("missing", Line::kShared, [&](const absl::Status& status) {
      EXPECT_TRUE(absl::IsNotFound(status)) << status;
      failures.Update([](int& n) { ++n; });
    });
  }
  EXPECT_TRUE(failures.Await([](int n) { return n == 60; }));
  ASSERT_TRUE(AwaitFates(2000));
  EXPECT_EQ(Count(Fate::kConfirmed), 2000);
  EXPECT_EQ(downs_.Get(), 0);
}

TEST_F(PublisherTest, RefusesNamesThatTheBrokerWouldMisread) {
  Start();
  EXPECT_TRUE(absl::IsInvalidArgument(Declare("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Inspect(std::string(256, 'q')).status()));
  EXPECT_EQ(downs_.Get(), 0);
}

TEST_F(PublisherTest, GoesOnAfterTheBrokerWasKilled) {
  Start();
  ASSERT_TRUE(Declare("killed").ok());
  node_->Freeze();  // what follows cannot be answered
  Publish("killed", 2500);
  node_->Kill();
  ASSERT_TRUE(downs_.Await([](int downs) { return downs == 1; }));
  EXPECT_EQ(fates_at_down_.Get(), (Fates{{Fate::kUnknown, 2500}}));
  EXPECT_FALSE(publisher_->up());

  Publish("killed", 1);
  ASSERT_TRUE(AwaitFates(2501));
  EXPECT_EQ(Count(Fate::kUnknown), 2501);
  EXPECT_TRUE(absl::IsUnavailable(Declare("killed").status()));
  EXPECT_TRUE(absl::IsUnavailable(Inspect("killed").status()));

  node_->Start();
  ASSERT_TRUE(ups_.Await([](int ups) { return ups == 2; }));
  ASSERT_GE(ReadyOnceItAnswers("killed"), 0);
  Publish("killed", 100);
  ASSERT_TRUE(AwaitFates(2601));
  EXPECT_EQ(Count(Fate::kConfirmed), 100);
}

TEST_F(PublisherTest, GivesUpAConnectionThatConfirmsNothing) {
  Publisher::Options options = Options();
  options.confirm_timeout = absl::Seconds(1);
  Start(std::move(options));
  ASSERT_TRUE(Declare("unanswering").ok());
  node_->Ctl("eval 'sys:suspend(list_to_atom(\"%2F_unanswering\")).'");
  Publish("unanswering", 10);
  Watched<bool> told{false};
  publisher_->Inspect("unanswering", [&](const absl::StatusOr<QueueInfo>&) {
    told.Set(publisher_->unconfirmed_for() > absl::ZeroDuration());
  });
  EXPECT_TRUE(told.Await([](bool is_late) { return is_late; }));
  ASSERT_TRUE(AwaitFates(10));
  EXPECT_EQ(Count(Fate::kUnknown), 10);
  EXPECT_TRUE(downs_.Await([](int downs) { return downs == 1; }));
  EXPECT_EQ(publisher_->unconfirmed_for(), absl::ZeroDuration());
  node_->Ctl("eval 'sys:resume(list_to_atom(\"%2F_unanswering\")).'");
  ASSERT_TRUE(ups_.Await([](int ups) { return ups == 2; }));
  Publish("unanswering", 1);
  ASSERT_TRUE(AwaitFates(11));
  EXPECT_EQ(Count(Fate::kConfirmed), 1);
}

TEST_F(PublisherTest, GoesOnAfterTheBrokerWasStopped) {
  Start();
  ASSERT_TRUE(Declare("stopped").ok());
  Publish("stopped", 100);
  ASSERT_TRUE(AwaitFates(100));
  node_->Stop();
  ASSERT_TRUE(downs_.Await([](int downs) { return downs == 1; }));
  node_->Start();
  ASSERT_TRUE(ups_.Await([](int ups) { return ups == 2; }));
  EXPECT_EQ(ReadyOnceItAnswers("stopped"), 100);
}

TEST_F(PublisherTest, WaitsOutAMemoryAlarm) {
  Start();
  ASSERT_TRUE(Declare("alarmed").ok());
  node_->SetMemoryAlarm(true);
  // The broker says so at the first message that it leaves unread.
  int published = 0;
  while (!publisher_->blocked()) {
    Publish("alarmed", 1);
    ++published;
    (void)Inspect("alarmed");  // a round trip
  }
  const int confirmed_before = Count(Fate::kConfirmed);

  Publish("alarmed", 3000);
  // Administration publishes nothing, and so goes on.
  EXPECT_TRUE(Declare("alarmed").ok());
  EXPECT_TRUE(Inspect("alarmed").ok());
  // What waits is bounded: 64 MiB.
  Publish("alarmed", 70, std::string(1 << 20, 'x'));
  published += 3070;
  ASSERT_TRUE(fates_.Await([](const Fates& fates) { return fates.count(Fate::kRejected) != 0; }));
  EXPECT_EQ(Count(Fate::kConfirmed), confirmed_before);
  EXPECT_EQ(downs_.Get(), 0);

  node_->SetMemoryAlarm(false);
  ASSERT_TRUE(AwaitFates(published));
  EXPECT_FALSE(publisher_->blocked());
  EXPECT_EQ(Count(Fate::kConfirmed) + Count(Fate::kRejected), published);
  EXPECT_GE(Count(Fate::kConfirmed), published - 10);
  EXPECT_EQ(ReadyOnceItAnswers("alarmed"), Count(Fate::kConfirmed));
  EXPECT_EQ(downs_.Get(), 0);
  EXPECT_TRUE(Purge("alarmed").ok());
}

TEST_F(PublisherTest, NoticesABrokerThatHangs) {
  Publisher::Options options = Options();
  options.heartbeat = absl::Seconds(1);
  options.connect_timeout = absl::Seconds(1);
  Start(std::move(options));
  ASSERT_TRUE(Declare("hanging").ok());
  node_->Freeze();
  // More than the sockets' buffers hold, so that sending gets stuck as well.
  Publish("hanging", 30, std::string(1 << 20, 'x'));
  EXPECT_TRUE(downs_.Await([](int downs) { return downs == 1; }));
  EXPECT_TRUE(AwaitFates(30));
  EXPECT_EQ(Count(Fate::kUnknown), 30);
  node_->Thaw();
  EXPECT_TRUE(ups_.Await([](int ups) { return ups == 2; }));
  // The connection for administration may be the old one still, and be lost with its question.
  EXPECT_GE(ReadyOnceItAnswers("hanging"), 0);
  EXPECT_TRUE(Purge("hanging").ok());
}

TEST_F(PublisherTest, NoticesASilentBrokerWithoutSendingAnything) {
  Publisher::Options options = Options();
  options.heartbeat = absl::Seconds(1);
  options.connect_timeout = absl::Seconds(1);
  Start(std::move(options));
  node_->Freeze();
  EXPECT_TRUE(downs_.Await([](int downs) { return downs == 1; }));
  node_->Thaw();
  EXPECT_TRUE(ups_.Await([](int ups) { return ups == 2; }));
}

TEST_F(PublisherTest, StaysConnectedWhileNobodyPublishes) {
  Publisher::Options options = Options();
  options.heartbeat = absl::Seconds(1);
  Start(std::move(options));
  // Longer than the broker and the publisher bear with silence.
  EXPECT_FALSE(downs_.Await([](int downs) { return downs != 0; }, absl::Seconds(5)));
  EXPECT_TRUE(Declare("idle").ok());
}

TEST_F(PublisherTest, EndsWhileTheBrokerHangs) {
  Start();
  ASSERT_TRUE(Declare("ending").ok());
  node_->Freeze();
  Publish("ending", 30, std::string(1 << 20, 'x'));
  publisher_.reset();
  EXPECT_EQ(fates_.Get(), (Fates{{Fate::kUnknown, 30}}));
  EXPECT_EQ(downs_.Get(), 0);
  node_->Thaw();
}

TEST_F(PublisherTest, EndsWhileItTriesToConnect) {
  Publisher::Options options = Options();
  options.address.endpoints = {{"127.0.0.1", 1}};
  publisher_ = Publisher::Start(std::move(options));
  Publish("nowhere", 1);
  ASSERT_TRUE(AwaitFates(1));
  EXPECT_EQ(Count(Fate::kUnknown), 1);
  publisher_.reset();
  EXPECT_EQ(ups_.Get(), 0);
}

TEST_F(PublisherTest, StaysDownWithAWrongPassword) {
  Publisher::Options options = Options();
  options.address.password = "wrong";
  publisher_ = Publisher::Start(std::move(options));
  EXPECT_TRUE(absl::IsUnavailable(Declare("refused").status()));
  publisher_.reset();
  EXPECT_EQ(ups_.Get(), 0);
}

TEST_F(PublisherTest, TakesCallsFromItsOwnCallbacks) {
  Start();
  Watched<Fates> nested;
  publisher_->Declare("nested", Line::kShared, [&](const absl::StatusOr<QueueInfo>& info) {
    EXPECT_TRUE(info.ok());
    publisher_->Publish("nested", "first", [&](Fate) {
      publisher_->Publish("nested", "second",
                          [&](Fate fate) { nested.Update([&](Fates& f) { ++f[fate]; }); });
    });
  });
  ASSERT_TRUE(nested.Await([](const Fates& fates) { return !fates.empty(); }));
  EXPECT_EQ(nested.Get(), (Fates{{Fate::kConfirmed, 1}}));
}

}  // namespace
}  // namespace buzzer::amqp
