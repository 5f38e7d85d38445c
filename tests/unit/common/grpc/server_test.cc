// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What GrpcServer and MakeChannel keep out.

#include "common/grpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/grpc/channel.h"
#include "tests/unit/common/grpc/echo_server.h"

namespace buzzer {
namespace {

using internal::v1::DeleteJobRequest;
using internal::v1::DeleteJobResponse;
using internal::v1::StateService;
using internal::v1::SubmitRequest;
using internal::v1::SubmitResponse;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kMaxBytes = 1 << 20;

class GrpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    GrpcServer::Options options;
    options.address = "127.0.0.1:0";
    options.credentials = grpc::InsecureServerCredentials();
    options.services = {&service_};
    options.max_receive_bytes = kMaxBytes;
    options.max_connection_bytes = size_t{16} * kMaxBytes;
    auto server = GrpcServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    // Not MakeChannel: a stranger's.
    grpc::ChannelArguments arguments;
    arguments.SetMaxSendMessageSize(-1);
    stub_ = StateService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                  grpc::InsecureChannelCredentials(), arguments));
  }

  grpc::Status Delete(const std::string& id, grpc_compression_algorithm compression) {
    grpc::ClientContext context;
    context.set_compression_algorithm(compression);
    DeleteJobRequest request;
    request.set_id(id);
    DeleteJobResponse response;
    return stub_->DeleteJob(&context, request, &response);
  }

  testing::EchoService service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<StateService::Stub> stub_;
};

TEST_F(GrpcServerTest, RefusesCompressedCallsAndNamesWhatItRefuses) {
  const grpc::Status gzip = Delete(std::string(1000, 'a'), GRPC_COMPRESS_GZIP);
  EXPECT_EQ(gzip.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(gzip.error_message(), HasSubstr("gzip"));
  const grpc::Status deflate = Delete(std::string(1000, 'a'), GRPC_COMPRESS_DEFLATE);
  EXPECT_EQ(deflate.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(deflate.error_message(), HasSubstr("deflate"));
  EXPECT_TRUE(Delete(std::string(1000, 'a'), GRPC_COMPRESS_NONE).ok());
}

TEST_F(GrpcServerTest, RefusesCompressedStreams) {
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const auto stream = stub_->Submit(&context);
  SubmitRequest request;
  request.add_jobs()->set_payload(std::string(1000, 'a'));
  stream->Write(request);
  SubmitResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(service_.batches().empty());
}

TEST_F(GrpcServerTest, RefusesMessagesAboveItsLimit) {
  EXPECT_TRUE(Delete(std::string(kMaxBytes - 100, 'a'), GRPC_COMPRESS_NONE).ok());
  EXPECT_EQ(Delete(std::string(kMaxBytes + 100, 'a'), GRPC_COMPRESS_NONE).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// gRPC looks at the size at a message's end; it must not take all of a long one till then.
TEST_F(GrpcServerTest, EndsACallBeforeTheEndOfAMessageThatIsTooLong) {
  const grpc::Status status = Delete(std::string(size_t{64} * kMaxBytes, 'a'), GRPC_COMPRESS_NONE);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.error_message(), Not(HasSubstr("larger than max")));
  EXPECT_TRUE(Delete("a", GRPC_COMPRESS_NONE).ok());
}

// Answers all that it can, compressed.
class CompressingService final : public StateService::Service {
 public:
  grpc::Status GetJobResult(grpc::ServerContext* context, const internal::v1::GetJobResultRequest*,
                            internal::v1::GetJobResultResponse* response) override {
    context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    response->set_body(std::string(kMaxBytes, 'a'));
    return grpc::Status::OK;
  }
};

TEST(MakeChannel, UnpacksNothingThatAPeerAnswers) {
  CompressingService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const auto stub = StateService::NewStub(
      MakeChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  internal::v1::GetJobResultResponse response;
  const grpc::Status status = stub->GetJobResult(&context, {}, &response);
  EXPECT_TRUE(!status.ok() || response.body() == std::string(kMaxBytes, 'a')) << "not unpacked";
  EXPECT_EQ(context.GetServerInitialMetadata().count("grpc-encoding"), 0u);
}

}  // namespace
}  // namespace buzzer
