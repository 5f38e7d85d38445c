// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/server_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/work_service.grpc.pb.h"
#include "common/errors/errors.h"
#include "tests/integration/support/watched.h"

namespace buzzer::state {
namespace {

using internal::v1::WorkRequest;
using internal::v1::WorkResponse;

constexpr int64_t kMaxParts = 100;

struct Seen {
  int requests = 0;
  std::vector<std::string> claims;
  bool takes = true;
  bool closed = false;
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
  bool TakesRequests() override { return seen_->Get().takes; }
  bool NextResponse(WorkResponse* response) override {
    std::vector<std::string> claims;
    seen_->Update([&](Seen& seen) { claims.swap(seen.claims); });
    for (const std::string& id : claims) response->add_claims()->set_claim_id(id);
    return !claims.empty();
  }
  void OnClosed() override {
    seen_->Update([](Seen& seen) { seen.closed = true; });
  }

 private:
  testing::Watched<Seen>* const seen_;
  const std::shared_ptr<StreamWaker> waker_;
};

class Service final : public internal::v1::WorkService::WithRawCallbackMethod_Work<
                          internal::v1::WorkService::Service> {
 public:
  using WithRawCallbackMethod_Work::Work;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Work(
      grpc::CallbackServerContext* context) override {
    return ServerStream<WorkRequest, WorkResponse>::Accept(*context, kMaxParts, [this](auto made) {
      waker = made;
      return std::make_shared<Handler>(&seen, std::move(made));
    });
  }

  testing::Watched<Seen> seen;
  std::shared_ptr<StreamWaker> waker;
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
    stub_ = internal::v1::WorkService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
    stream_ = stub_->Work(&context_);
    stream_->WaitForInitialMetadata();
  }
  ~ServerStreamTest() override {
    context_.TryCancel();
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

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<internal::v1::WorkService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<WorkRequest, WorkResponse>> stream_;
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
  EXPECT_TRUE(service_.seen.Await([](const Seen& seen) { return seen.closed; }));
}

TEST_F(ServerStreamTest, EndsWithOkWhereTheClientIsToComeAgain) {
  Say("right");
  ASSERT_TRUE(AwaitRequests(1));
  service_.waker->Close(absl::OkStatus());
  service_.waker->Close(absl::InternalError("the first counts"));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(ServerStreamTest, ReadsOnOnceTheHandlerTakesRequestsAgain) {
  SetTakes(false);
  Say("one");
  ASSERT_TRUE(AwaitRequests(1));
  Say("two");
  service_.waker->Wake();
  EXPECT_EQ(service_.seen.Get().requests, 1);
  SetTakes(true);
  service_.waker->Wake();
  EXPECT_TRUE(AwaitRequests(2));
  Say("three");
  EXPECT_TRUE(AwaitRequests(3));
}

TEST_F(ServerStreamTest, IsGoneWithAClientThatIsNotRead) {
  SetTakes(false);
  Say("one");
  ASSERT_TRUE(AwaitRequests(1));
  context_.TryCancel();
  EXPECT_TRUE(service_.seen.Await([](const Seen& seen) { return seen.closed; }));
}

}  // namespace
}  // namespace buzzer::state
