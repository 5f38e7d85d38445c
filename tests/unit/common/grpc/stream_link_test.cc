// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/stream_link.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>

#include "tests/integration/support/watched.h"
#include "tests/unit/common/grpc/echo_server.h"

namespace buzzer {
namespace {

using testing::EchoServer;
using testing::Watched;
using Link = StreamLink<internal::v1::SubmitRequest, internal::v1::SubmitResponse>;

// What a frontend or a worker does with a link: offers what waits, and again what was not
// answered when the stream broke. Each request carries one number; answers come back.
class Client {
 public:
  explicit Client(const EchoServer& server) : stub_(server.MakeStub()) {
    Link::Callbacks callbacks;
    callbacks.start_call = [this](grpc::ClientContext* context, Link::Reactor* reactor) {
      ++calls;
      stub_->async()->Submit(context, reactor);
    };
    callbacks.on_up = [this] {
      seen.Update([](Seen& now) {
        ++now.ups;
        now.up = true;
        now.next = now.answered;  // Whatever has no answer goes again.
      });
    };
    callbacks.on_down = [this](const absl::Status&) {
      seen.Update([](Seen& now) {
        ++now.downs;
        now.up = false;
      });
    };
    callbacks.next_request = [this](internal::v1::SubmitRequest* request) {
      EXPECT_EQ(inside_.fetch_add(1), 0);  // Never beside itself.
      bool filled = false;
      seen.Update([&](Seen& now) {
        filled = now.next < now.wanted;
        if (filled) request->set_batch(++now.next);
      });
      inside_.fetch_sub(1);
      return filled;
    };
    callbacks.on_response = [this](internal::v1::SubmitResponse& response) {
      seen.Update([&](Seen& now) { now.answered = std::max(now.answered, response.batch()); });
    };
    link = std::make_unique<Link>("test", std::move(callbacks));
  }

  void Want(int64_t count) {
    seen.Update([&](Seen& now) { now.wanted += count; });
    link->Wake();
  }
  bool AwaitUp(int ups = 1) {
    return seen.Await([&](const Seen& now) { return now.up && now.ups >= ups; });
  }
  bool AwaitDown() {
    return seen.Await([](const Seen& now) { return !now.up; });
  }
  bool AwaitAnswers() {
    return seen.Await([](const Seen& now) { return now.answered == now.wanted; });
  }

  struct Seen {
    int ups = 0;
    int downs = 0;
    bool up = false;
    int64_t wanted = 0;
    int64_t next = 0;
    int64_t answered = 0;
  };
  Watched<Seen> seen;
  std::atomic<int> calls = 0;

 private:
  std::atomic<int> inside_ = 0;
  std::unique_ptr<internal::v1::StateService::Stub> stub_;

 public:
  std::unique_ptr<Link> link;  // Goes first.
};

TEST(StreamLink, SendsWhatIsWantedInOrder) {
  EchoServer server;
  Client client(server);
  client.link->Start();
  client.Want(500);
  ASSERT_TRUE(client.AwaitAnswers());
  const auto batches = server.service.batches();
  ASSERT_EQ(batches.size(), 500u);
  for (size_t i = 0; i < batches.size(); ++i) EXPECT_EQ(batches[i], static_cast<int64_t>(i) + 1);
  EXPECT_TRUE(client.link->up());
}

TEST(StreamLink, WaitsForAServerThatComesLater) {
  EchoServer server;
  server.Stop();
  Client client(server);
  client.link->Start();
  client.Want(3);
  EXPECT_FALSE(client.link->up());
  server.Start();
  EXPECT_TRUE(client.AwaitAnswers());
}

TEST(StreamLink, ComesBackByItselfAndOffersAgainWhatWasNotAnswered) {
  EchoServer server;
  Client client(server);
  client.link->Start();
  ASSERT_TRUE(client.AwaitUp());
  for (int round = 1; round <= 3; ++round) {
    server.Stop();
    ASSERT_TRUE(client.AwaitDown());
    EXPECT_FALSE(client.link->up());
    client.Want(10);
    server.Start();
    ASSERT_TRUE(client.AwaitAnswers());
    EXPECT_EQ(client.seen.Get().ups, round + 1);
    EXPECT_EQ(client.seen.Get().downs, round);
  }
}

TEST(StreamLink, GoesOnTryingWhileItIsRefusedAndTellsNoUpNorDown) {
  EchoServer server;
  server.service.SetRefusing(true);
  Client client(server);
  client.link->Start();
  client.Want(1);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (client.calls < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(client.seen.Get().ups, 0);
  EXPECT_EQ(client.seen.Get().downs, 0);
  server.service.SetRefusing(false);
  EXPECT_TRUE(client.AwaitAnswers());
}

TEST(StreamLink, TakesWakesFromManyThreads) {
  EchoServer server;
  Client client(server);
  client.link->Start();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 250; ++n) client.Want(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(client.AwaitAnswers());
}

TEST(StreamLink, StopsInEveryPhase) {
  EchoServer server;
  {
    Client never_started(server);
    never_started.link->Stop();
  }
  {
    Client connecting(server);
    connecting.link->Start();
    connecting.link->Stop();
    connecting.link->Stop();
  }
  {
    Client up(server);
    up.link->Start();
    ASSERT_TRUE(up.AwaitUp());
    up.link->Stop();
    EXPECT_FALSE(up.link->up());
    up.link->Wake();
  }
  {
    Client writing(server);
    writing.link->Start();
    writing.Want(100'000);
    ASSERT_TRUE(writing.seen.Await([](const auto& now) { return now.answered > 10; }));
    writing.link->Stop();
  }
  server.service.SetRefusing(true);
  for (int i = 0; i < 50; ++i) {
    Client waiting(server);  // For its backoff, or just about to.
    waiting.link->Start();
    while (waiting.calls < 1 + i % 3) std::this_thread::yield();
    waiting.link->Stop();
  }
  server.Stop();
  {
    Client alone(server);
    alone.link->Start();
    alone.Want(1);
    alone.link->Stop();
  }
}

}  // namespace
}  // namespace buzzer
