// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/submit_stream.h"

#include <atomic>

#include "common/limits/limits.h"
#include "tests/unit/services/state/doubtful_store.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using internal::v1::SubmitRequest;
using internal::v1::SubmitResponse;
using Fate = DoubtfulStore::Fate;
using Responses = std::vector<SubmitResponse>;

// The frontend's end. Thread-safe.
class Client final : public StreamWaker {
 public:
  void Wake() override {
    if (!reads) return;
    received_.Update([this](Responses& received) {
      for (SubmitResponse next; stream->NextResponse(&next); next.Clear()) received.push_back(next);
    });
  }
  void Close(const absl::Status& status) override {
    closed_.Update([&](auto& closed) { closed.push_back(testing::Unshared(status)); });
  }

  // The only answer.
  SubmitResponse Await() {
    SubmitResponse answer;
    EXPECT_TRUE(received_.Await([&](const Responses& received) {
      if (!received.empty()) answer = received.front();
      return received.size() == 1;
    }));
    return answer;
  }

  // How the stream was ended, first to last; waits for the first.
  std::vector<absl::Status> AwaitClosed() {
    EXPECT_TRUE(closed_.Await([](const auto& closed) { return !closed.empty(); }));
    return closed_.Get();
  }
  bool is_closed() const { return !closed_.Get().empty(); }
  // What has come so far.
  Responses received() const { return received_.Get(); }

  SubmitStream* stream = nullptr;
  std::atomic<bool> reads = true;

 private:
  testing::Watched<Responses> received_;
  testing::Watched<std::vector<absl::Status>> closed_;
};

class SubmitStreamTest : public StoreTest {
 protected:
  SubmitStreamTest() {
    types_.Declare({{"demo.echo", "demo.echo", {}}});
    OpenStream();
  }
  ~SubmitStreamTest() override { CloseStore(); }

  // The frontend comes again.
  void OpenStream() {
    client_ = std::make_shared<Client>();
    stream_ = std::make_shared<SubmitStream>(&doubtful_, &types_, &waits_, client_);
    client_->stream = stream_.get();
  }

  // One that a frontend would send.
  internal::v1::NewJob GoodJob() const {
    internal::v1::NewJob job = NewJob();
    job.mutable_lease()->set_seconds(30);
    return job;
  }

  DoubtfulStore doubtful_{store_.get()};
  TypeRegistry types_{store_.get(), &clock_, [](const std::string&) {}};
  WorkerRegistry workers_;
  const WaitReasons waits_{&types_, &workers_};
  std::shared_ptr<Client> client_;
  std::shared_ptr<SubmitStream> stream_;
};

TEST_F(SubmitStreamTest, RefusesTheJobThatIsWrongAndStoresTheOthers) {
  SubmitRequest request;
  request.set_batch(7);
  *request.add_jobs() = GoodJob();
  *request.add_jobs() = GoodJob();
  request.mutable_jobs(1)->mutable_run_at()->set_seconds(std::numeric_limits<int64_t>::max());
  *request.add_jobs() = GoodJob();
  request.mutable_jobs(2)->set_id(std::string(16, '\0'));
  *request.add_jobs() = GoodJob();
  request.mutable_jobs(3)->set_type(std::string(100'000, '\n'));
  *request.add_jobs() = GoodJob();
  stream_->OnRequest(request);
  const SubmitResponse answer = client_->Await();
  EXPECT_EQ(answer.batch(), 7);
  ASSERT_EQ(answer.results_size(), 5);
  EXPECT_TRUE(answer.results(0).has_job());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(answer.results(i).error().code(),
              static_cast<int>(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_NE(answer.results(1).error().message().find("run_at"), std::string::npos);
  EXPECT_LT(answer.results(3).error().message().size(), 300u);
  EXPECT_TRUE(answer.results(4).has_job());
  EXPECT_EQ(store().Count(v1::Job::QUEUED), 2);
}

TEST_F(SubmitStreamTest, SaysWhichJobsNoWorkerTakesNow) {
  types_.Declare({{"mail", "mail", {}}, {"report", "report", {}}});
  types_.SetPaused("report", true);
  internal::v1::Hello hello;
  hello.set_worker("w1");
  for (const char* name : {"demo.echo", "report"}) {
    auto* type = hello.add_types();
    type->set_type(name);
    type->set_queue(name);
  }
  workers_.Put(1, hello, [](const internal::v1::CancelNotice&) {});
  SubmitRequest request;
  for (const char* type : {"demo.echo", "mail", "report"}) {
    *request.add_jobs() = GoodJob();
    request.mutable_jobs()->rbegin()->set_type(type);
    request.mutable_jobs()->rbegin()->clear_queue();
  }
  stream_->OnRequest(request);
  const SubmitResponse answer = client_->Await();
  ASSERT_EQ(answer.results_size(), 3);
  EXPECT_EQ(answer.results(0).job().wait_reason(), v1::Job::WAIT_REASON_UNSPECIFIED);
  EXPECT_EQ(answer.results(1).job().wait_reason(), v1::Job::NO_WORKER);
  EXPECT_EQ(answer.results(2).job().wait_reason(), v1::Job::QUEUE_PAUSED);
}

// Its first answer was lost, and its type was deleted meanwhile.
TEST_F(SubmitStreamTest, GivesARepeatItsJobThoughItsTypeIsNoLongerKnown) {
  const internal::v1::NewJob stored = [&] {
    internal::v1::NewJob job = GoodJob();
    job.set_type("mail");
    job.set_queue("mail");
    store().MustSubmit(job);
    job.clear_queue();
    return job;
  }();
  SubmitRequest request;
  *request.add_jobs() = stored;
  *request.add_jobs() = GoodJob();
  request.mutable_jobs(1)->set_type("mail");
  request.mutable_jobs(1)->clear_queue();
  stream_->OnRequest(request);
  const SubmitResponse answer = client_->Await();
  ASSERT_EQ(answer.results_size(), 2);
  EXPECT_EQ(answer.results(0).job().id(), JobId::FromBytes(stored.id())->ToString());
  EXPECT_EQ(answer.results(1).error().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_NE(answer.results(1).error().message().find("\"mail\" is not a known job type"),
            std::string::npos);
}

TEST_F(SubmitStreamTest, EndsWithABatchOfTooManyJobs) {
  SubmitRequest request;
  for (int i = 0; i <= kMaxBatchJobs; ++i) request.add_jobs();
  stream_->OnRequest(request);
  const std::vector<absl::Status> closed = client_->AwaitClosed();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_TRUE(absl::IsInvalidArgument(closed[0]));
}

TEST_F(SubmitStreamTest, SaysOfEachJobWhyTheStoreHasTakenNone) {
  doubtful_.Plan({Fate::kRefused});
  SubmitRequest request;
  request.set_batch(7);
  for (int i = 0; i < 2; ++i) *request.add_jobs() = GoodJob();
  stream_->OnRequest(request);
  const SubmitResponse answer = client_->Await();
  EXPECT_EQ(answer.batch(), 7);
  ASSERT_EQ(answer.results_size(), 2);
  for (const auto& result : answer.results()) {
    EXPECT_EQ(ErrorReason(FromRpcStatus(result.error())), "STORE_BROKEN");
  }
  EXPECT_FALSE(client_->is_closed()) << "the next batch may be taken";
}

TEST_F(SubmitStreamTest, EndsWithoutAnAnswerWhereACommitIsInDoubt) {
  for (const Fate fate : {Fate::kKept, Fate::kLost}) {
    OpenStream();
    doubtful_.Plan({fate});
    SubmitRequest request;
    *request.add_jobs() = GoodJob();
    // Of this one it is sure; but whoever were told of it would hear of the others too.
    *request.add_jobs() = GoodJob();
    request.mutable_jobs(1)->clear_tenant();
    stream_->OnRequest(request);
    const std::vector<absl::Status> closed = client_->AwaitClosed();
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_TRUE(closed[0].ok()) << "the frontend is to come again: " << closed[0];
    EXPECT_TRUE(client_->received().empty());
    SubmitResponse none;
    EXPECT_FALSE(stream_->NextResponse(&none)) << none.ShortDebugString();
  }
}

TEST_F(SubmitStreamTest, AnswersOnItsNextStreamWhatWasInDoubt) {
  for (const Fate fate : {Fate::kKept, Fate::kLost}) {
    OpenStream();
    doubtful_.Plan({fate});
    SubmitRequest request;
    *request.add_jobs() = GoodJob();
    const JobId job = *JobId::FromBytes(request.jobs(0).id());
    SubmitRequest same = request;
    stream_->OnRequest(request);
    client_->AwaitClosed();
    EXPECT_EQ(store().Get(job).ok(), fate == Fate::kKept);

    OpenStream();
    stream_->OnRequest(same);
    const SubmitResponse answer = client_->Await();
    ASSERT_EQ(answer.results_size(), 1);
    EXPECT_EQ(answer.results(0).job().id(), job.ToString());
    EXPECT_EQ(answer.results(0).job().revision(), 1);
    EXPECT_TRUE(store().Get(job).ok());
  }
  EXPECT_EQ(store().Outbox().size(), 2u) << "each is there once";
}

TEST_F(SubmitStreamTest, IsReadNoFurtherWhileItsAnswersAreNotTaken) {
  client_->reads = false;
  SubmitRequest wrong;
  for (int i = 0; i < kMaxBatchJobs; ++i) wrong.add_jobs();
  int taken = 0;
  for (; stream_->TakesRequests() && taken < 1000; ++taken) stream_->OnRequest(wrong);
  EXPECT_LT(taken, 100);
  for (SubmitResponse answer; stream_->NextResponse(&answer); answer.Clear()) {
    EXPECT_LT(answer.ByteSizeLong(), 16u << 20);
  }
  EXPECT_TRUE(stream_->TakesRequests());
}

}  // namespace
}  // namespace buzzer::state
