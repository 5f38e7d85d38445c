// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/server_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/work_service.grpc.pb.h"
#include "common/errors/errors.h"
#include "common/grpc/channel.h"
#include "tests/integration/support/watched.h"

namespace buzzer::state {
namespace {

using internal::v1::WorkRequest;
using internal::v1::WorkResponse;

constexpr int64_t kMaxParts = 100;

// What the handlers of a service have seen, one after the other.
struct Seen {
  int requests = 0;
  // To be sent.
  std::vector<std::string> claims;
  // What happens, once, just as they have found that there is nothing to send.
  std::function<void()> on_nothing;
  bool takes = true;
  // How often they were asked for a message, and how many they gave.
  int next_asked = 0;
  int given = 0;
  // How many they had given when they were asked last whether they take requests; -1: never.
  int takes_asked_at = -1;
  // How often they were asked for a message while they made one.
  int overlaps = 0;
  int closed = 0;
  // Of the newest stream.
  std::shared_ptr<StreamWaker> waker;
};

// Counts what it is told, and answers a claim with its id. Thread-safe.
class Handler final : public StreamHandler<WorkRequest, WorkResponse> {
 public:
  Handler(testing::Watched<Seen>* seen, std::shared_ptr<StreamWaker> waker)
      : seen_(seen), waker_(std::move(waker)) {}

  void OnRequest(WorkRequest& request) override {
    seen_->Update([&](Seen& seen) {
      ++seen.requests;
      for (const auto& claim : request.claims()) seen.claims.push_back(claim.claim_id());
    });
    if (request.claims_size() > 0) waker_->Wake();
    if (request.hello().worker() == "wrong") {
      waker_->Close(InvalidField("hello.worker", "must not be wrong"));
    }
  }
  bool TakesRequests() override {
    bool takes = false;
    seen_->Update([&](Seen& seen) {
      seen.takes_asked_at = seen.given;
      takes = seen.takes;
    });
    return takes;
  }
  bool NextResponse(WorkResponse* response) override {
    const bool overlaps = asking_.exchange(true);
    std::vector<std::string> claims;
    std::function<void()> on_nothing;
    seen_->Update([&](Seen& seen) {
      ++seen.next_asked;
      if (overlaps) ++seen.overlaps;
      claims.swap(seen.claims);
      if (!claims.empty()) {
        ++seen.given;
      } else {
        on_nothing.swap(seen.on_nothing);
      }
    });
    if (on_nothing) on_nothing();
    for (const std::string& id : claims) response->add_claims()->set_claim_id(id);
    asking_ = false;
    return !claims.empty();
  }
  void OnClosed() override {
    seen_->Update([](Seen& seen) { ++seen.closed; });
  }

 private:
  testing::Watched<Seen>* const seen_;
  const std::shared_ptr<StreamWaker> waker_;
  std::atomic<bool> asking_ = false;
};

class Service final : public internal::v1::WorkService::WithRawCallbackMethod_Work<
                          internal::v1::WorkService::Service> {
 public:
  using WithRawCallbackMethod_Work::Work;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Work(
      grpc::CallbackServerContext* context) override {
    return ServerStream<WorkRequest, WorkResponse>::Accept(*context, kMaxParts, [this](auto made) {
      seen.Update([&](Seen& known) { known.waker = made; });
      return std::make_shared<Handler>(&seen, std::move(made));
    });
  }

  testing::Watched<Seen> seen;
};

// A client's end of a stream that has been taken.
struct Client {
  explicit Client(internal::v1::WorkService::Stub* stub) {
    // Only a test that fails comes near.
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    stream = stub->Work(&context);
    stream->WaitForInitialMetadata();
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<WorkRequest, WorkResponse>> stream;
};

class ServerStreamTest : public ::testing::Test {
 protected:
  ServerStreamTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    // Not in process: there a write ends only when it is read.
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    // Its windows do not grow: what a client takes that does not read is as good as nothing.
    stub_ = internal::v1::WorkService::NewStub(
        MakeChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
    client_ = std::make_unique<Client>(stub_.get());
    stream_ = client_->stream.get();
  }
  ~ServerStreamTest() override {
    client_->context.TryCancel();
    server_->Shutdown();
    server_->Wait();
  }

  void Say(const std::string& worker) {
    WorkRequest request;
    request.mutable_hello()->set_worker(worker);
    ASSERT_TRUE(stream_->Write(request));
  }
  bool AwaitRequests(int count) {
    return service_.seen.Await([&](const Seen& seen) { return seen.requests == count; });
  }
  void SetTakes(bool takes) {
    service_.seen.Update([&](Seen& seen) { seen.takes = takes; });
  }

  bool AwaitClosed(int count = 1) {
    return service_.seen.Await([&](const Seen& seen) { return seen.closed == count; });
  }
  std::shared_ptr<StreamWaker> waker() const { return service_.seen.Get().waker; }
  // Something is ready to be sent.
  void Offer(const std::string& claim) {
    service_.seen.Update([&](Seen& seen) { seen.claims.push_back(claim); });
    waker()->Wake();
  }
  // Does the same for a message that is being written because the client takes nothing. A stream
  // that is not reading asks whether it may read, and begins to write, under one lock.
  void OfferWhatIsNotTaken() {
    SetTakes(false);
    Say("one");
    ASSERT_TRUE(service_.seen.Await([](const Seen& seen) { return seen.takes_asked_at == 0; }));
    Offer(std::string(kMoreThanWindowsHold, 'x'));
    ASSERT_TRUE(service_.seen.Await([](const Seen& seen) { return seen.takes_asked_at == 1; }));
  }

  static constexpr size_t kMoreThanWindowsHold = 3 << 20;

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<internal::v1::WorkService::Stub> stub_;
  std::unique_ptr<Client> client_;
  grpc::ClientReaderWriter<WorkRequest, WorkResponse>* stream_ = nullptr;
};

TEST_F(ServerStreamTest, AnswersOneRequestAfterTheOther) {
  for (const std::string id : {"first", "second", "third"}) {
    WorkRequest request;
    request.add_claims()->set_claim_id(id);
    ASSERT_TRUE(stream_->Write(request));
    WorkResponse response;
    ASSERT_TRUE(stream_->Read(&response));
    ASSERT_EQ(response.claims_size(), 1);
    EXPECT_EQ(response.claims(0).claim_id(), id);
  }
}

TEST_F(ServerStreamTest, EndsAStreamWhoseRequestHasTooManyPartsBeforeTheHandlerSeesIt) {
  WorkRequest wide;
  for (int i = 0; i <= kMaxParts; ++i) wide.add_claims();
  ASSERT_TRUE(stream_->Write(wide));
  WorkResponse none;
  EXPECT_FALSE(stream_->Read(&none));
  const grpc::Status status = stream_->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("WorkRequest has at most 100"));
  EXPECT_EQ(service_.seen.Get().requests, 0);
}

TEST_F(ServerStreamTest, TellsTheClientWhyItsStreamIsEnded) {
  Say("right");
  Say("wrong");
  WorkResponse none;
  EXPECT_FALSE(stream_->Read(&none));
  const grpc::Status status = stream_->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "`hello.worker`: must not be wrong");
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, EndsWithOkWhereTheClientIsToComeAgain) {
  Say("right");
  ASSERT_TRUE(AwaitRequests(1));
  waker()->Close(absl::OkStatus());
  waker()->Close(absl::InternalError("the first counts"));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(ServerStreamTest, ReadsOnOnceTheHandlerTakesRequestsAgain) {
  SetTakes(false);
  Say("one");
  ASSERT_TRUE(AwaitRequests(1));
  Say("two");
  waker()->Wake();
  EXPECT_EQ(service_.seen.Get().requests, 1);
  SetTakes(true);
  waker()->Wake();
  EXPECT_TRUE(AwaitRequests(2));
  Say("three");
  EXPECT_TRUE(AwaitRequests(3));
}

TEST_F(ServerStreamTest, IsGoneWithAClientThatIsNotRead) {
  SetTakes(false);
  Say("one");
  ASSERT_TRUE(AwaitRequests(1));
  client_->context.TryCancel();
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, ReadsOnOnceAMessageWasTaken) {
  OfferWhatIsNotTaken();
  Say("two");
  SetTakes(true);
  EXPECT_EQ(service_.seen.Get().requests, 1) << "nobody has told the stream";
  WorkResponse response;
  ASSERT_TRUE(stream_->Read(&response));
  EXPECT_TRUE(AwaitRequests(2));
}

TEST_F(ServerStreamTest, IsGoneWithAClientThatTakesNothing) {
  OfferWhatIsNotTaken();
  client_->context.TryCancel();
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, IsGoneWithAClientThatSaysNothing) {
  client_->context.TryCancel();
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, EndsWithOkWhenTheClientHasNothingMoreToSay) {
  WorkRequest request;
  request.add_claims()->set_claim_id("last");
  ASSERT_TRUE(stream_->Write(request));
  stream_->WritesDone();
  WorkResponse response;
  ASSERT_TRUE(stream_->Read(&response)) << "what was under way comes before the end";
  EXPECT_EQ(response.claims(0).claim_id(), "last");
  EXPECT_FALSE(stream_->Read(&response));
  EXPECT_TRUE(stream_->Finish().ok());
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, EndsAfterTheMessageThatIsUnderWay) {
  OfferWhatIsNotTaken();
  waker()->Close(InvalidField("hello.worker", "must not be wrong"));
  waker()->Close(absl::OkStatus());
  service_.seen.Update([](Seen& seen) { seen.claims.emplace_back("too late"); });
  waker()->Wake();
  EXPECT_EQ(service_.seen.Get().closed, 0);
  WorkResponse response;
  ASSERT_TRUE(stream_->Read(&response));
  EXPECT_EQ(response.claims(0).claim_id().size(), kMoreThanWindowsHold);
  EXPECT_FALSE(stream_->Read(&response));
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, IsGoneWithAClientThatTakesNothingThoughItIsToEnd) {
  OfferWhatIsNotTaken();
  waker()->Close(absl::OkStatus());
  client_->context.TryCancel();
  EXPECT_TRUE(AwaitClosed());
}

TEST_F(ServerStreamTest, AsksForNothingOnceItHasEnded) {
  const std::shared_ptr<StreamWaker> kept = waker();
  kept->Close(absl::OkStatus());
  Offer("too late");
  WorkResponse none;
  EXPECT_FALSE(stream_->Read(&none));
  EXPECT_TRUE(stream_->Finish().ok());
  ASSERT_TRUE(AwaitClosed());
  // Of the stream there is nothing left but its waker.
  const int asked = service_.seen.Get().next_asked;
  kept->Wake();
  kept->Close(absl::InternalError("too late"));
  EXPECT_EQ(service_.seen.Get().next_asked, asked);
  EXPECT_EQ(service_.seen.Get().closed, 1);
}

TEST_F(ServerStreamTest, AsksAgainIfItIsWokenJustAsThereWasNothing) {
  service_.seen.Update([this](Seen& seen) { seen.on_nothing = [this] { Offer("just then"); }; });
  waker()->Wake();
  WorkResponse response;
  ASSERT_TRUE(stream_->Read(&response));
  EXPECT_EQ(response.claims(0).claim_id(), "just then");
}

TEST_F(ServerStreamTest, SendsEverythingOnceWhoeverWakesIt) {
  constexpr int kThreads = 8;
  constexpr int kEach = 200;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kEach; ++i) Offer(absl::StrCat(thread, " ", i));
    });
  }
  std::set<std::string> received;
  int count = 0;
  WorkResponse response;
  while (count < kThreads * kEach && stream_->Read(&response)) {
    for (const auto& claim : response.claims()) received.insert(claim.claim_id());
    count += response.claims_size();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kEach);
  EXPECT_EQ(received.size(), static_cast<size_t>(kThreads * kEach));
  EXPECT_EQ(service_.seen.Get().overlaps, 0);
}

TEST_F(ServerStreamTest, EndsOnceWhoeverEndsItAndWhenever) {
  client_->context.TryCancel();
  ASSERT_TRUE(AwaitClosed());
  constexpr int kStreams = 200;
  for (int i = 1; i <= kStreams; ++i) {
    Client client(stub_.get());
    const std::shared_ptr<StreamWaker> one = waker();
    // Two who end it, two for whom something is ready, and a client that hangs up or does not.
    std::latch begin(5);
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      begin.arrive_and_wait();
      one->Close(absl::OkStatus());
    });
    threads.emplace_back([&] {
      begin.arrive_and_wait();
      one->Close(InvalidField("hello.worker", "must not be wrong"));
    });
    for (int waker = 0; waker < 2; ++waker) {
      threads.emplace_back([&] {
        begin.arrive_and_wait();
        service_.seen.Update([](Seen& seen) { seen.claims.emplace_back("perhaps"); });
        one->Wake();
      });
    }
    begin.arrive_and_wait();
    if (i % 2 == 0) client.context.TryCancel();
    for (std::thread& thread : threads) thread.join();
    WorkResponse response;
    while (client.stream->Read(&response)) {
    }
    const grpc::StatusCode end = client.stream->Finish().error_code();
    EXPECT_TRUE(end == grpc::StatusCode::OK || end == grpc::StatusCode::INVALID_ARGUMENT ||
                (i % 2 == 0 && end == grpc::StatusCode::CANCELLED))
        << end;
    ASSERT_TRUE(AwaitClosed(1 + i));
  }
  EXPECT_EQ(service_.seen.Get().overlaps, 0);
}

TEST_F(ServerStreamTest, IsGoneWithItsServer) {
  OfferWhatIsNotTaken();
  Client another(stub_.get());
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  EXPECT_EQ(service_.seen.Get().closed, 2);
}

}  // namespace
}  // namespace buzzer::state
