// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What a caller of the frontend is told of a submit whose commit is in doubt. Whoever were told
// that its job is surely not stored would submit it again, and it might run twice.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "common/errors/errors.h"
#include "common/grpc/status.h"
#include "services/frontend/server.h"
#include "tests/support/served_state.h"
#include "tests/unit/services/state/doubtful_store.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using Fate = DoubtfulStore::Fate;

class CommitInDoubtTest : public StoreTest {
 protected:
  CommitInDoubtTest() {
    served_.types().Declare({{"demo.echo", "demo.echo", {}}});
    frontend::Config config;
    config.listen_address = "127.0.0.1:0";
    config.metrics_address = "";  // Its library takes 2 s to stop.
    config.state_address = served_.address();
    // Only a test that fails comes near.
    config.timing.submit_limit = absl::Minutes(1);
    auto server = frontend::Server::Start(config);
    if (!server.ok()) {
      ADD_FAILURE() << server.status();
      return;
    }
    frontend_ = *std::move(server);
    stub_ = v1::JobService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", frontend_->port()), grpc::InsecureChannelCredentials()));
    // Until the line to state is up, submits are refused; this type is at any time.
    while (ErrorReason(Submit("warm.up").status()) != "UNKNOWN_TYPE") std::this_thread::yield();
  }
  ~CommitInDoubtTest() override {
    if (frontend_ != nullptr) frontend_->Shutdown();
    served_.StopServing();
    CloseStore();
  }

  absl::StatusOr<v1::Job> Submit(const std::string& type = "demo.echo") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
    v1::SubmitJobRequest request;
    request.set_type(type);
    v1::Job job;
    const grpc::Status status = stub_->SubmitJob(&context, request, &job);
    if (!status.ok()) return FromGrpcStatus(status);
    return job;
  }

  DoubtfulStore doubtful_{store_.get()};
  ServedState served_{&doubtful_, &clock_};
  std::unique_ptr<frontend::Server> frontend_;
  std::unique_ptr<v1::JobService::Stub> stub_;
};

TEST_F(CommitInDoubtTest, AcceptsTheJobOnceItIsSure) {
  for (const Fate fate : {Fate::kKept, Fate::kLost}) {
    const int before = doubtful_.submits();
    doubtful_.Plan({fate, fate});
    const auto job = Submit();
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->revision(), 1);
    EXPECT_TRUE(store().Get(JobId::Parse(job->id()).value_or(JobId())).ok());
    EXPECT_EQ(doubtful_.submits(), before + 3);
  }
  EXPECT_EQ(store().Outbox().size(), 2u) << "each is there once";
}

TEST_F(CommitInDoubtTest, DoesNotTakeALaterRefusalForTheOutcome) {
  for (const Fate fate : {Fate::kKept, Fate::kLost}) {
    doubtful_.Plan({fate, Fate::kRefused});
    const absl::Status told = Submit().status();
    EXPECT_EQ(told.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(ErrorReason(told), "OUTCOME_UNKNOWN") << told;
  }
  EXPECT_EQ(store().Outbox().size(), 1u) << "the one that was kept is there, as it was told";
}

TEST_F(CommitInDoubtTest, IsNotMistakenForARefusalThatIsSure) {
  doubtful_.Plan({Fate::kRefused});
  EXPECT_EQ(ErrorReason(Submit().status()), "STORE_BROKEN");
  EXPECT_TRUE(store().Outbox().empty());
}

}  // namespace
}  // namespace buzzer::state
