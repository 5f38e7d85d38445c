// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/work_stream.h"

#include <future>

#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using internal::v1::WorkResponse;
using Responses = std::vector<WorkResponse>;

// The client's end: takes each message as soon as there is one. Thread-safe.
class Client final : public StreamWaker {
 public:
  void Wake() override {
    received_.Update([this](Responses& received) {
      for (WorkResponse next; stream->NextResponse(&next); next.Clear()) received.push_back(next);
    });
  }
  void Close() override { ADD_FAILURE() << "closed"; }

  Responses AwaitCancel() {
    Responses all;
    EXPECT_TRUE(received_.Await([&](const Responses& received) {
      all = received;
      return !received.empty() && received.back().cancels_size() > 0 && Grants(received) > 0;
    }));
    return all;
  }
  bool AwaitGrants(int count) {
    return received_.Await([&](const Responses& received) { return Grants(received) == count; });
  }
  static int Grants(const Responses& received) {
    int grants = 0;
    for (const WorkResponse& response : received) grants += response.claims_size();
    return grants;
  }

  WorkStream* stream = nullptr;

 private:
  testing::Watched<Responses> received_;
};

// Holds the store up at its next commit, so that what comes meanwhile shares the one after.
class Gate final : public CommitObserver {
 public:
  void OnCommit(const std::vector<JobChange>&) override {
    if (std::exchange(passed_, true)) return;
    reached_.set_value();
    open_.get_future().wait();
  }
  void AwaitReached() { reached_.get_future().wait(); }
  void Open() { open_.set_value(); }

 private:
  bool passed_ = false;
  std::promise<void> reached_;
  std::promise<void> open_;
};

class WorkStreamTest : public StoreTest {
 protected:
  WorkStreamTest() {
    store_->AddObserver(&leases_);
    store_->AddObserver(&workers_);
    store_->AddObserver(&gate_);
    stream_ = std::make_shared<WorkStream>(
        WorkStream::Parts{store_.get(), &leases_, &types_, &workers_}, 1, "test", client_);
    client_->stream = stream_.get();
    internal::v1::WorkRequest hello;
    hello.mutable_hello()->set_worker("w1");
    stream_->OnRequest(hello);
  }
  ~WorkStreamTest() override {
    CloseStore();
    stream_->OnClosed();
  }

  void Claim(const std::vector<JobId>& jobs) {
    internal::v1::WorkRequest request;
    for (const JobId& job : jobs) {
      auto* claim = request.add_claims();
      claim->set_job_id(std::string(job.bytes()));
      claim->set_claim_id(RandomBytes(16));
    }
    stream_->OnRequest(request);
  }

  // Claims the jobs and cancels the last in one commit; gives what the worker hears.
  Responses ClaimAndCancelTogether(const std::vector<internal::v1::NewJob>& specs) {
    std::vector<JobId> ids;
    for (const auto& spec : specs) ids.push_back(*JobId::FromBytes(spec.id()));
    // The store's thread comes to the gate with the submit.
    store_->Submit(specs, [](const auto&) {});
    gate_.AwaitReached();
    Claim(ids);
    store_->Cancel(BlockingStore::kTenant, ids.back(), [](const auto&) {});
    gate_.Open();
    EXPECT_TRUE(client_->AwaitGrants(static_cast<int>(specs.size())));
    return client_->AwaitCancel();
  }

  LeaseMonitor leases_{store_.get(), &clock_};
  TypeRegistry types_{store_.get(), &clock_, [](const std::string&) {}};
  WorkerRegistry workers_;
  Gate gate_;
  std::shared_ptr<Client> client_ = std::make_shared<Client>();
  std::shared_ptr<WorkStream> stream_;
};

TEST_F(WorkStreamTest, TellsOfACancelWithTheGrantThatWasCommittedTogetherWithIt) {
  const auto spec = NewJob();
  const Responses heard = ClaimAndCancelTogether({spec});
  const WorkResponse& last = heard.back();
  ASSERT_EQ(last.claims_size(), 1);
  ASSERT_EQ(last.cancels_size(), 1);
  EXPECT_EQ(last.cancels(0).job_id(), spec.id());
  EXPECT_EQ(last.cancels(0).attempt(), last.claims(0).granted().attempt());
}

TEST_F(WorkStreamTest, TellsOfACancelAfterAGrantThatDidNotFitIntoTheFirstMessage) {
  std::vector<internal::v1::NewJob> specs;
  for (int i = 0; i < 6; ++i) {
    specs.push_back(NewJob());
    specs.back().set_payload(std::string(1 << 20, 'x'));
  }
  const Responses heard = ClaimAndCancelTogether(specs);
  const WorkResponse& last = heard.back();
  EXPECT_GT(heard.size(), 2u) << "the grants were to take two messages";
  ASSERT_GT(last.claims_size(), 0);
  EXPECT_EQ(last.claims(last.claims_size() - 1).job_id(), specs.back().id());
  ASSERT_EQ(last.cancels_size(), 1);
  EXPECT_EQ(last.cancels(0).job_id(), specs.back().id());
}

TEST_F(WorkStreamTest, TellsOfNoCancelWithAnOrdinaryGrant) {
  gate_.Open();
  const JobRecord job = Submit();
  Claim({job.id});
  EXPECT_TRUE(client_->AwaitGrants(1));
  ASSERT_TRUE(store().Cancel(job.id).ok());
  const Responses heard = client_->AwaitCancel();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].cancels_size(), 0);
  EXPECT_EQ(heard[1].cancels_size(), 1);
}

}  // namespace
}  // namespace buzzer::state
