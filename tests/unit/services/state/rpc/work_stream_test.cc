// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/work_stream.h"

#include <atomic>
#include <cmath>
#include <future>

#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "services/state/boundary/limits.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using internal::v1::WorkResponse;
using Responses = std::vector<WorkResponse>;

// The client's end: takes each message as soon as there is one. Thread-safe.
class Client final : public StreamWaker {
 public:
  void Wake() override {
    if (!reads) return;
    received_.Update([this](Responses& received) {
      for (WorkResponse next; stream->NextResponse(&next); next.Clear()) received.push_back(next);
    });
  }
  void Close(const absl::Status& status) override { closed.push_back(status); }

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

  // Takes what there is.
  Responses Received() {
    Responses all;
    received_.Update([&](Responses& received) { all = received; });
    return all;
  }
  bool AwaitOutcomes(int count) {
    return received_.Await([&](const Responses& received) {
      int outcomes = 0;
      for (const WorkResponse& response : received) outcomes += response.outcomes_size();
      return outcomes == count;
    });
  }

  WorkStream* stream = nullptr;
  std::atomic<bool> reads = true;
  // How the stream was ended, by OnRequest.
  std::vector<absl::Status> closed;

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
        WorkStream::Parts{store_.get(), &leases_, &types_, &workers_, &slots_}, 1, "test", client_);
    client_->stream = stream_.get();
    internal::v1::WorkRequest hello;
    hello.mutable_hello()->set_worker("w1");
    stream_->OnRequest(hello);
  }
  ~WorkStreamTest() override {
    CloseStore();
    stream_->OnClosed();
  }

  // Another worker's stream, which has not said anything.
  std::shared_ptr<WorkStream> OpenAnother(const std::shared_ptr<Client>& client) {
    auto stream = std::make_shared<WorkStream>(
        WorkStream::Parts{store_.get(), &leases_, &types_, &workers_, &slots_}, 2, "test", client);
    client->stream = stream.get();
    return stream;
  }
  // How often the worker was told what came of its Hello.
  static int Answers(Client& client) {
    int answers = 0;
    for (const WorkResponse& response : client.Received()) answers += response.has_hello() ? 1 : 0;
    return answers;
  }
  void ExpectRefused(const std::string& field) const {
    ASSERT_EQ(client_->closed.size(), 1u);
    EXPECT_TRUE(absl::IsInvalidArgument(client_->closed[0])) << client_->closed[0];
    EXPECT_NE(client_->closed[0].message().find(field), absl::string_view::npos)
        << client_->closed[0];
  }
  // A lease of a job that was submitted and claimed past the stream.
  LeaseRef TakeLease() { return store().MustClaim(Submit().id); }
  template <typename Message>
  static void Fill(const LeaseRef& lease, Message* message) {
    message->set_job_id(std::string(lease.job.bytes()));
    message->set_attempt(lease.attempt);
    message->set_lease_id(lease.lease_id);
  }

  void Claim(const std::vector<JobId>& jobs) {
    internal::v1::WorkRequest request;
    for (const JobId& job : jobs) {
      auto* claim = request.add_claims();
      claim->set_job_id(std::string(job.bytes()));
      claim->set_claim_id(RandomBytes(16));
      claim->set_intent(internal::v1::Claim::INTENT_RUN);
    }
    stream_->OnRequest(request);
  }

  // Claims the jobs and cancels the last in one commit; gives what the worker hears.
  Responses ClaimAndCancelTogether(const std::vector<internal::v1::NewJob>& specs) {
    std::vector<JobId> ids;
    ids.reserve(specs.size());
    for (const auto& spec : specs) ids.push_back(*JobId::FromBytes(spec.id()));
    // The store's thread comes to the gate with the submit.
    store_->Submit(specs, [](const auto&) {});
    gate_.AwaitReached();
    Claim(ids);
    store_->Cancel(BlockingStore::kTenant, ids.back(), /*force=*/false, [](const auto&) {});
    gate_.Open();
    EXPECT_TRUE(client_->AwaitGrants(static_cast<int>(specs.size())));
    return client_->AwaitCancel();
  }

  LeaseMonitor leases_{store_.get(), &clock_};
  TypeRegistry types_{store_.get(), &clock_, [](const std::string&) {}};
  WorkerRegistry workers_{"buzzer"};
  WorkerSlots slots_;
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

TEST_F(WorkStreamTest, TellsAWorkerWhatOfItsHelloBringsItNoJobWheneverThatChanges) {
  const auto client = std::make_shared<Client>();
  const auto stream = OpenAnother(client);
  internal::v1::WorkRequest request;
  request.mutable_hello()->set_worker("w2");
  request.mutable_hello()->set_broker_queue_prefix("bazzer");
  for (size_t i = 0; i < kMaxQueues; ++i) {
    auto* type = request.mutable_hello()->add_types();
    type->set_type("a");
    type->set_queue(absl::StrCat("q", i));
  }
  stream->OnRequest(request);
  EXPECT_EQ(Answers(*client), 1) << "of the prefix";
  EXPECT_EQ(client->Received().back().hello().refusals(0).queue(), "");
  stream->OnRequest(request);
  EXPECT_EQ(Answers(*client), 1) << "nothing has changed";

  request.mutable_hello()->set_broker_queue_prefix("buzzer");
  request.mutable_hello()->mutable_types(0)->set_queue("late");
  stream->OnRequest(request);
  EXPECT_EQ(Answers(*client), 2);
  const internal::v1::HelloAnswer refused = client->Received().back().hello();
  ASSERT_EQ(refused.refusals_size(), 1);
  EXPECT_EQ(refused.refusals(0).queue(), "late");

  ASSERT_TRUE(testing::Await<bool>([&](const auto& done) { types_.RemoveQueue("q0", done); }).ok());
  workers_.AnnounceAll();
  EXPECT_EQ(Answers(*client), 3) << "there is a place now";
  EXPECT_TRUE(client->Received().back().hello().refusals().empty());
  stream->OnClosed();
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

TEST_F(WorkStreamTest, OffersJobsToAWorkerWithIdleSlots) {
  internal::v1::WorkRequest hello;
  hello.mutable_hello()->set_worker("w1");
  auto* const type = hello.mutable_hello()->add_types();
  type->set_type("demo.echo");
  type->set_queue("demo.echo");
  type->set_slots(1);
  type->set_idle_slots(1);
  stream_->OnRequest(hello);
  const JobId job = JobId::Make(absl::Now());
  slots_.Offer("demo.echo", {job});
  std::vector<std::string> offered;
  for (const WorkResponse& response : client_->Received()) {
    for (const auto& offer : response.offers()) offered.push_back(offer.job_id());
  }
  EXPECT_EQ(offered, std::vector<std::string>{std::string(job.bytes())});
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

TEST_F(WorkStreamTest, EndsAStreamThatSaysHelloUnderASecondName) {
  internal::v1::WorkRequest again;
  again.mutable_hello()->set_worker("w2");
  auto* type = again.mutable_hello()->add_types();
  type->set_type("invented");
  type->set_queue("invented");
  again.add_claims()->set_claim_id(RandomBytes(16));
  stream_->OnRequest(again);
  ExpectRefused("hello.worker");
  EXPECT_FALSE(types_.KnowsQueue("invented"));
  EXPECT_TRUE(client_->Received().empty()) << "what comes with it does not count";
}

TEST_F(WorkStreamTest, TakesTheSameHelloAThousandTimes) {
  internal::v1::WorkRequest again;
  again.mutable_hello()->set_worker("w1");
  for (int i = 0; i < 1000; ++i) stream_->OnRequest(again);
  EXPECT_TRUE(client_->closed.empty());
  EXPECT_EQ(workers_.size(), 1);
}

TEST_F(WorkStreamTest, EndsAStreamThatClaimsBeforeItSaidHello) {
  gate_.Open();
  const JobRecord job = Submit();
  client_ = std::make_shared<Client>();
  const auto stream = OpenAnother(client_);
  internal::v1::WorkRequest request;
  auto* claim = request.add_claims();
  claim->set_job_id(std::string(job.id.bytes()));
  claim->set_claim_id(RandomBytes(16));
  claim->set_intent(internal::v1::Claim::INTENT_RUN);
  stream->OnRequest(request);
  ExpectRefused("hello");
  EXPECT_EQ(store().MustGet(job.id).state, v1::Job::QUEUED);
}

TEST_F(WorkStreamTest, RemembersNothingOfAHelloThatIsWrong) {
  internal::v1::WorkRequest again;
  again.mutable_hello()->set_worker("w1");
  auto* type = again.mutable_hello()->add_types();
  type->set_type("good");
  type->set_queue("good");
  type = again.mutable_hello()->add_types();
  type->set_type("bad\nname");
  type->set_queue("good");
  stream_->OnRequest(again);
  ExpectRefused("hello.types[1].type");
  EXPECT_TRUE(types_.Queues().empty());
}

TEST_F(WorkStreamTest, AnswersAClaimThatIsNoneWithGoneAndServesTheOthers) {
  gate_.Open();
  const JobRecord job = Submit();
  internal::v1::WorkRequest request;
  auto* claim = request.add_claims();
  claim->set_claim_id(std::string(1000, 'x'));
  claim->set_job_id(std::string(job.id.bytes()));
  claim = request.add_claims();
  claim->set_claim_id(RandomBytes(16));
  claim->set_job_id(std::string(job.id.bytes()));
  claim->set_intent(internal::v1::Claim::INTENT_RUN);
  *request.add_claims() = *claim;
  stream_->OnRequest(request);
  ASSERT_TRUE(client_->AwaitGrants(2)) << "the third is the second again";
  const Responses heard = client_->Received();
  EXPECT_TRUE(heard[0].claims(0).has_gone());
  EXPECT_EQ(heard[0].claims(0).claim_id().size(), 16u);
  EXPECT_TRUE(heard[1].claims(0).has_granted());
  EXPECT_TRUE(client_->closed.empty());
}

TEST_F(WorkStreamTest, RefusesAnOutcomeThatSaysNothingAndTakesTheOthers) {
  gate_.Open();
  const LeaseRef silent = TakeLease();
  const LeaseRef spoken = TakeLease();
  internal::v1::WorkRequest request;
  Fill(silent, request.add_outcomes());
  auto* outcome = request.add_outcomes();
  Fill(spoken, outcome);
  outcome->mutable_success()->set_content_type("no type\r\nX-Forged: yes");
  outcome = request.add_outcomes();
  outcome->set_job_id("short");
  outcome->mutable_handed_back();
  stream_->OnRequest(request);
  ASSERT_TRUE(client_->AwaitOutcomes(3));
  EXPECT_EQ(store().MustGet(silent.job).state, v1::Job::RUNNING);
  const JobRecord done = store().MustGet(spoken.job);
  EXPECT_EQ(done.state, v1::Job::SUCCEEDED);
  EXPECT_EQ(done.result->content_type(), "application/octet-stream");
}

TEST_F(WorkStreamTest, KeepsAProgressWhoseNumberIsNoneAndWhatIsCommittedWithIt) {
  const auto spec = NewJob();
  const auto beside = NewJob();
  store_->Submit({spec}, [](const auto&) {});
  gate_.AwaitReached();
  gate_.Open();
  const LeaseRef lease = store().MustClaim(*JobId::FromBytes(spec.id()));
  internal::v1::WorkRequest request;
  auto* report = request.add_progress();
  Fill(lease, report);
  report->mutable_progress()->set_fraction(std::nan(""));
  report->mutable_progress()->set_message("half");
  report->mutable_progress()->mutable_data()->set_number_value(HUGE_VAL);
  stream_->OnRequest(request);
  ASSERT_TRUE(store().Submit(beside).ok());
  const JobRecord job = store().MustGet(lease.job);
  ASSERT_TRUE(job.progress.has_value());
  EXPECT_EQ(job.progress->message, "half");
  EXPECT_EQ(job.progress->fraction, 0);
  EXPECT_FALSE(ToProto(job).progress().has_data());
}

TEST_F(WorkStreamTest, CutsAGraceToTheLongestThatThereIs) {
  gate_.Open();
  const JobRecord job = Submit();
  internal::v1::WorkRequest request;
  auto* claim = request.add_claims();
  claim->set_job_id(std::string(job.id.bytes()));
  claim->set_claim_id(RandomBytes(16));
  claim->set_intent(internal::v1::Claim::INTENT_RUN);
  claim->mutable_grace()->set_seconds(absl::ToInt64Seconds(absl::Hours(365 * 24)));
  stream_->OnRequest(request);
  ASSERT_TRUE(client_->AwaitGrants(1));
  EXPECT_EQ(store().MustGet(job.id).grace, kMaxGrace);
}

TEST_F(WorkStreamTest, IsReadNoFurtherWhileItsAnswersAreNotTaken) {
  client_->reads = false;
  internal::v1::WorkRequest renewals;
  for (int i = 0; i < 10'000; ++i) {
    Fill({JobId::Make(clock_.Now()), 1, RandomBytes(16)}, renewals.add_renewals());
  }
  int taken = 0;
  for (; stream_->TakesRequests() && taken < 1000; ++taken) stream_->OnRequest(renewals);
  EXPECT_LT(taken, 40) << "about 8 MiB of answers";
  WorkResponse answers;
  ASSERT_TRUE(stream_->NextResponse(&answers));
  EXPECT_LT(answers.ByteSizeLong(), 16u << 20);
  EXPECT_TRUE(stream_->TakesRequests());
  EXPECT_TRUE(client_->closed.empty());
}

TEST_F(WorkStreamTest, AnswersAClaimOnceThatIsRepeatedWhileTheStoreLooksAtIt) {
  const auto job = NewJob();
  store_->Submit({job}, [](const auto&) {});
  gate_.AwaitReached();
  internal::v1::WorkRequest request;
  auto* claim = request.add_claims();
  claim->set_job_id(job.id());
  claim->set_claim_id(RandomBytes(16));
  claim->set_intent(internal::v1::Claim::INTENT_RUN);
  for (int i = 0; i < 500; ++i) stream_->OnRequest(request);
  gate_.Open();
  EXPECT_TRUE(client_->AwaitGrants(1));
  stream_->OnRequest(request);  // The answer may be lost: it is given again.
  EXPECT_TRUE(client_->AwaitGrants(2));
}

TEST_F(WorkStreamTest, IsReadNoFurtherWhileTheStoreOwesManyAnswers) {
  store_->Submit({NewJob()}, [](const auto&) {});
  gate_.AwaitReached();
  const std::vector<JobId> jobs(1, JobId::Make(clock_.Now()));
  int claims = 0;
  for (; stream_->TakesRequests() && claims < 10'000; ++claims) Claim(jobs);
  EXPECT_LT(claims, 1000);
  gate_.Open();
  EXPECT_TRUE(client_->AwaitGrants(claims));
  EXPECT_TRUE(stream_->TakesRequests());
}

}  // namespace
}  // namespace buzzer::state
