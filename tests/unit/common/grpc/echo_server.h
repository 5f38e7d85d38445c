// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_COMMON_GRPC_ECHO_SERVER_H_
#define TESTS_UNIT_COMMON_GRPC_ECHO_SERVER_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/grpc/channel.h"
#include "common/grpc/server.h"
#include "common/grpc/status.h"
#include "common/mutex/mutex.h"

namespace buzzer::testing {

// Answers each batch of Submit with its number, and DeleteJob with a status that the test
// sets. Thread-safe.
class EchoService final : public internal::v1::StateService::CallbackService {
 public:
  void SetUnaryStatus(grpc::Status status) { unary_status_ = std::move(status); }
  // Streams are refused from now on.
  void SetRefusing(bool refusing) {
    MutexLock lock(&mutex_);
    refusing_ = refusing;
  }
  // The batches that came, in order.
  std::vector<int64_t> batches() const {
    MutexLock lock(&mutex_);
    return batches_;
  }

  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const internal::v1::DeleteJobRequest*,
                                      internal::v1::DeleteJobResponse*) override {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(unary_status_);
    return reactor;
  }

  grpc::ServerBidiReactor<internal::v1::SubmitRequest, internal::v1::SubmitResponse>* Submit(
      grpc::CallbackServerContext*) override {
    auto* stream = new Stream(this);
    MutexLock lock(&mutex_);
    stream->Begin(refusing_);
    return stream;
  }

 private:
  // Reads one, answers it, reads the next.
  class Stream final
      : public grpc::ServerBidiReactor<internal::v1::SubmitRequest, internal::v1::SubmitResponse> {
   public:
    explicit Stream(EchoService* service) : service_(service) {}
    void Begin(bool refuse) {
      if (refuse) {
        Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "refused"));
        return;
      }
      StartSendInitialMetadata();
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) {
        Finish(grpc::Status::OK);
        return;
      }
      {
        MutexLock lock(&service_->mutex_);
        service_->batches_.push_back(request_.batch());
      }
      response_.set_batch(request_.batch());
      StartWrite(&response_);
    }
    void OnWriteDone(bool ok) override {
      if (ok) {
        StartRead(&request_);
      } else {
        Finish(grpc::Status::OK);
      }
    }
    void OnDone() override { delete this; }

   private:
    EchoService* const service_;
    internal::v1::SubmitRequest request_;
    internal::v1::SubmitResponse response_;
  };

  grpc::Status unary_status_;
  mutable Mutex mutex_;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<int64_t> batches_ ABSL_GUARDED_BY(mutex_);
};

// An EchoService on a port of its own, that can go and come back on it.
class EchoServer {
 public:
  EchoServer() { Start(); }

  void Start() {
    GrpcServer::Options options;
    options.address = absl::StrCat("127.0.0.1:", port_);
    options.credentials = grpc::InsecureServerCredentials();
    options.services = {&service};
    auto server = GrpcServer::Start(options);
    if (!server.ok()) {
      ADD_FAILURE() << server.status();
      return;
    }
    server_ = *std::move(server);
    port_ = server_->port();
  }
  void Stop() { server_.reset(); }

  std::unique_ptr<internal::v1::StateService::Stub> MakeStub() const {
    return internal::v1::StateService::NewStub(
        MakeChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials()));
  }

  absl::Status CallUnary() const {
    grpc::ClientContext context;
    internal::v1::DeleteJobResponse response;
    return FromGrpcStatus(MakeStub()->DeleteJob(&context, {}, &response));
  }

  EchoService service;

 private:
  int port_ = 0;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace buzzer::testing

#endif  // TESTS_UNIT_COMMON_GRPC_ECHO_SERVER_H_
