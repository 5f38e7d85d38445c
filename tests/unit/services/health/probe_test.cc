// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/health/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/grpc/server.h"

namespace buzzer::health {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kTimeout = absl::Seconds(20);

class Probe : public ::testing::Test {
 protected:
  void SetUp() override {
    GrpcServer::Options options;
    options.address = "127.0.0.1:0";
    options.credentials = grpc::InsecureServerCredentials();
    auto server = GrpcServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  GrpcProbe ThisServer() const { return {absl::StrCat("127.0.0.1:", server_->port()), {}, ""}; }

  std::unique_ptr<GrpcServer> server_;
};

TEST_F(Probe, TakesAServiceThatServes) {
  server_->SetServing(true);
  EXPECT_TRUE(ProbeGrpc(ThisServer(), kTimeout).ok()) << ProbeGrpc(ThisServer(), kTimeout);
}

TEST_F(Probe, RefusesOneThatDoesNotServe) {
  EXPECT_THAT(std::string(ProbeGrpc(ThisServer(), kTimeout).message()), HasSubstr("not serving"));
}

TEST_F(Probe, RefusesWhereNobodyListens) {
  const GrpcProbe probe = ThisServer();
  server_->Shutdown(absl::ZeroDuration());
  EXPECT_FALSE(ProbeGrpc(probe, kTimeout).ok());
}

TEST_F(Probe, RefusesHalfOfTls) {
  GrpcProbe probe = ThisServer();
  probe.tls.certificate = "/tls.crt";
  EXPECT_THAT(std::string(ProbeGrpc(probe, kTimeout).message()), HasSubstr("--tls_key"));
}

TEST_F(Probe, WantsAWorkersStateAndBrokerAndThatItTakesJobs) {
  const auto said = [this](bool state, bool broker, bool ready = true) {
    server_->SetServing("state", state);
    server_->SetServing("broker", broker);
    server_->SetServing("ready", ready);
    return ProbeWorker(ThisServer().address, kTimeout);
  };
  EXPECT_TRUE(said(true, true).ok()) << said(true, true);
  EXPECT_THAT(std::string(said(false, true).message()), HasSubstr("to the state service"));
  EXPECT_THAT(std::string(said(true, false).message()), HasSubstr("to the broker"));
  EXPECT_THAT(std::string(said(true, true, false).message()), HasSubstr("takes no jobs"));
}

TEST_F(Probe, RefusesWhatIsNoWorker) {
  server_->SetServing(true);
  EXPECT_FALSE(ProbeWorker(ThisServer().address, kTimeout).ok());
}

}  // namespace
}  // namespace buzzer::health
