// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/health/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/grpc/server.h"
#include "common/metrics/metrics_endpoint.h"

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

TEST(WorkerProbe, WantsStateAndBroker) {
  const auto judged = [](int state, int broker) {
    return JudgeWorkerMetrics(absl::StrCat("# HELP buzzer_worker_state_up 1 if\n",
                                           "buzzer_worker_state_up ", state,
                                           "\nbuzzer_worker_broker_up ", broker, "\n"));
  };
  EXPECT_TRUE(judged(1, 1).ok());
  EXPECT_THAT(std::string(judged(0, 1).message()), HasSubstr("state"));
  EXPECT_THAT(std::string(judged(1, 0).message()), HasSubstr("broker"));
}

TEST(WorkerProbe, RefusesMetricsThatAreNoWorkers) {
  auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", std::make_shared<prometheus::Registry>());
  ASSERT_TRUE(endpoint.ok());
  const absl::Status status =
      ProbeWorker(absl::StrCat("127.0.0.1:", (*endpoint)->port()), kTimeout);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no worker"));
}

TEST(WorkerProbe, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "9103", "localhost:9103", "127.0.0.1:", "127.0.0.1:99999"}) {
    EXPECT_EQ(ProbeWorker(address, kTimeout).code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

}  // namespace
}  // namespace buzzer::health
