// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The service over real gRPC and a real store. What frontends rely on of it is in its conformance
// suite (tests/conformance); here is what only it does, and how it deals with its other parts.

#include "services/state/rpc/state_service.h"

#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/limits/limits.h"
#include "tests/support/served_state.h"
#include "tests/support/state_caller.h"
#include "tests/unit/services/state/forwarding_store.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StateCaller;
using testing::WatchLine;
using Stub = StateCaller::Stub;

constexpr char kNormal[] = "buzzer.demo.echo.normal";

// Answers every call of the service with an error while it is down.
class FailingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  void Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) override {
    if (down) return done(Down());
    ForwardingStore::Submit(std::move(jobs), std::move(done));
  }
  void Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) override {
    if (down) return done(Down());
    ForwardingStore::Cancel(std::move(tenant), job, force, std::move(done));
  }
  void Retry(std::string tenant, JobId job, Callback<JobRecord> done) override {
    if (down) return done(Down());
    ForwardingStore::Retry(std::move(tenant), job, std::move(done));
  }
  void Delete(std::string tenant, JobId job, Callback<bool> done) override {
    if (down) return done(Down());
    ForwardingStore::Delete(std::move(tenant), job, std::move(done));
  }
  void ReleaseKey(std::string tenant, std::string key, Callback<bool> done) override {
    if (down) return done(Down());
    ForwardingStore::ReleaseKey(std::move(tenant), std::move(key), std::move(done));
  }
  void SetPaused(std::string queue, bool paused, Callback<bool> done) override {
    if (down) return done(Down());
    ForwardingStore::SetPaused(std::move(queue), paused, std::move(done));
  }
  void SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) override {
    if (down) return done(Down());
    ForwardingStore::SaveTypes(std::move(types), std::move(done));
  }
  void Get(std::string tenant, JobId job, Callback<JobRecord> done) override {
    if (down) return done(Down());
    ForwardingStore::Get(std::move(tenant), job, std::move(done));
  }
  void GetFull(std::string tenant, JobId job, Callback<FullJob> done) override {
    if (down) return done(Down());
    ForwardingStore::GetFull(std::move(tenant), job, std::move(done));
  }
  void GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                   Callback<WatchStart> done) override {
    if (down) return done(Down());
    ForwardingStore::GetForWatch(std::move(tenant), job, after_revision, std::move(done));
  }
  void GetResult(std::string tenant, JobId job, Callback<StoredResult> done) override {
    if (down) return done(Down());
    ForwardingStore::GetResult(std::move(tenant), job, std::move(done));
  }
  void List(ListQuery query, Callback<ListPage> done) override {
    if (down) return done(Down());
    ForwardingStore::List(std::move(query), std::move(done));
  }
  void ReadOldestReady(std::vector<std::string> queues,
                       Callback<std::vector<std::optional<absl::Time>>> done) override {
    if (down) return done(Down());
    ForwardingStore::ReadOldestReady(std::move(queues), std::move(done));
  }

  std::atomic<bool> down = false;

 private:
  static absl::Status Down() {
    return ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_BROKEN", "the disk is gone")
        .RetryAfter(absl::Seconds(5))
        .Build();
  }
};

// A call that is to be refused, and what the message says of it.
struct Refusal {
  absl::Status status;
  std::string says;
};

void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ErrorReason(status), reason) << status;
}

// Names of the service's methods, as they stand in a call: those with streams, or the others.
std::vector<std::string> Methods(bool streaming) {
  const auto* service =
      internal::v1::GetJobRequest::descriptor()->file()->FindServiceByName("StateService");
  std::vector<std::string> paths;
  for (int i = 0; i < service->method_count(); ++i) {
    const auto* method = service->method(i);
    if (method->client_streaming() != streaming) continue;
    paths.push_back(absl::StrCat("/", service->full_name(), "/", method->name()));
  }
  return paths;
}

class StateServiceTest : public StoreTest {
 protected:
  StateServiceTest() { served_.types().Declare({{"demo.echo", "demo.echo", {}}}); }
  ~StateServiceTest() override {
    served_.StopServing();
    CloseStore();
  }

  // A job by the service's own Submit.
  JobId SubmitByCall() {
    const auto stored = caller_.Submit(NewJob());
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.ok() ? JobId::Parse(stored->id()).value_or(JobId()) : JobId();
  }
  std::vector<std::string> PausedInStore() {
    auto paused = testing::Await<std::vector<std::string>>(
        [&](const auto& done) { store_->ReadPausedQueues(done); });
    EXPECT_TRUE(paused.ok()) << paused.status();
    return paused.value_or(std::vector<std::string>());
  }

  FailingStore failing_{store_.get()};
  ServedState served_{&failing_, &clock_};
  StateCaller caller_{served_.address()};
};

// --- What it answers

TEST_F(StateServiceTest, GivesAJobWithoutItsPayloadOrAllOfIt) {
  const JobId job = SubmitByCall();
  const LeaseRef lease = store().MustClaim(job);
  const auto basic = caller_.Get(job);
  ASSERT_TRUE(basic.ok()) << basic.status();
  EXPECT_EQ(basic->state(), v1::Job::RUNNING);
  EXPECT_EQ(basic->worker(), "worker-1");
  EXPECT_EQ(basic->history_size(), 0);
  ASSERT_TRUE(store().Succeed(lease));
  const auto full = caller_.GetFull(job);
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->payload(), R"({"n":1})");
  EXPECT_TRUE(full->payload_is_json());
  EXPECT_EQ(full->job().history_size(), 3);
  EXPECT_EQ(full->job().end_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(full->job().purge_time().seconds(),
            absl::ToUnixSeconds(clock_.Now() + kDefaultRetention));
}

TEST_F(StateServiceTest, GivesTheResultAsTheWorkerLeftIt) {
  const JobId job = SubmitByCall();
  ExpectError(caller_.GetResult(job).status(), absl::StatusCode::kNotFound, "RESULT_NOT_READY");
  ASSERT_TRUE(store().Succeed(store().MustClaim(job), "all of it"));
  const auto result = caller_.GetResult(job);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->content_type(), "text/plain");
  EXPECT_EQ(result->body(), "all of it");
}

TEST_F(StateServiceTest, KeepsWhatItWasToldToDoWithAJob) {
  const JobId job = SubmitByCall();
  ASSERT_TRUE(caller_.Cancel(job).ok());
  EXPECT_EQ(store().MustGet(job).state, v1::Job::CANCELLED);
  ASSERT_TRUE(caller_.Retry(job).ok());
  EXPECT_EQ(store().MustGet(job).state, v1::Job::QUEUED);
  ExpectError(caller_.Delete(job), absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED");
  ASSERT_TRUE(caller_.Cancel(job).ok());
  ASSERT_TRUE(caller_.Delete(job).ok());
  EXPECT_TRUE(absl::IsNotFound(store().Get(job).status()));
}

TEST_F(StateServiceTest, CutsAPageThatWouldBeTooLargeForAMessage) {
  std::set<std::string> submitted;
  const std::string large(400'000, 'x');
  for (int i = 0; i < 12; ++i) {
    const JobId job = SubmitByCall();
    store().Report(store().MustClaim(job), 0.5, large);
    submitted.insert(job.ToString());
  }
  internal::v1::ListJobsRequest request;
  request.set_page_size(12);
  const auto first = caller_.List(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_LE(first->ByteSizeLong(), kMaxPageBytes + 1000);
  ASSERT_EQ(first->jobs_size(), 10);
  ASSERT_FALSE(first->next_before_id().empty());
  request.set_before_id(first->next_before_id());
  const auto second = caller_.List(request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->jobs_size(), 2);
  EXPECT_TRUE(second->next_before_id().empty());
  std::set<std::string> listed;
  for (const auto& page : {*first, *second}) {
    for (const v1::Job& job : page.jobs()) listed.insert(job.id());
  }
  EXPECT_EQ(listed, submitted);
}

TEST_F(StateServiceTest, ListsOneJobThatIsTooLargeForAPageByItself) {
  for (int i = 0; i < 2; ++i) {
    store().Report(store().MustClaim(SubmitByCall()), 0.5, std::string(kMaxPageBytes, 'x'));
  }
  const auto page = caller_.List({});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->jobs_size(), 1);
  EXPECT_FALSE(page->next_before_id().empty());
}

TEST_F(StateServiceTest, ShowsTheWorkersOfAQueue) {
  served_.Connect(1, "demo.echo", "demo.echo");
  served_.Connect(2, "demo.echo", "demo.echo");
  SubmitByCall();
  clock_.Advance(absl::Seconds(12));
  const auto queue = caller_.GetQueue("demo.echo");
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_EQ(queue->workers(), 2);
  EXPECT_EQ(queue->slots(), 2);
  EXPECT_EQ(queue->ready(), 1);
  EXPECT_EQ(queue->oldest_ready_age().seconds(), 12);
  const auto queues = caller_.ListQueues();
  ASSERT_TRUE(queues.ok()) << queues.status();
  ASSERT_EQ(queues->size(), 1u);
  EXPECT_EQ(queues->front().SerializeAsString(), queue->SerializeAsString());
}

// --- Pauses

TEST_F(StateServiceTest, DispatchesNothingOfAQueueThatIsPaused) {
  served_.Announce("mail", "mail");
  const auto paused = caller_.SetQueuePaused("demo.echo", true);
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_TRUE(paused->paused());
  EXPECT_THAT(PausedInStore(), ElementsAre("demo.echo"));
  EXPECT_TRUE(served_.types().IsPaused("demo.echo"));
  const JobId waits = SubmitByCall();
  internal::v1::NewJob mail = NewJob();
  mail.set_type("mail");
  mail.set_queue("mail");
  ASSERT_TRUE(caller_.Submit(mail).ok());
  ASSERT_TRUE(served_.broker().AwaitReady("buzzer.mail.normal", 1));
  EXPECT_THAT(served_.broker().Ready(kNormal), IsEmpty());

  const auto resumed = caller_.SetQueuePaused("demo.echo", false);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_FALSE(resumed->paused());
  EXPECT_THAT(PausedInStore(), IsEmpty());
  ASSERT_TRUE(served_.broker().AwaitReady(kNormal, 1));
  EXPECT_THAT(served_.broker().Ready(kNormal), ElementsAre(waits));
}

TEST_F(StateServiceTest, PausesNothingThatTheStoreDoesNotKeep) {
  failing_.down = true;
  ExpectError(caller_.SetQueuePaused("demo.echo", true).status(), absl::StatusCode::kUnavailable,
              "STORE_BROKEN");
  failing_.down = false;
  EXPECT_FALSE(served_.types().IsPaused("demo.echo"));
  SubmitByCall();
  EXPECT_TRUE(served_.broker().AwaitReady(kNormal, 1));
}

TEST_F(StateServiceTest, PausesNoQueueThatItDoesNotKnow) {
  ExpectError(caller_.SetQueuePaused("mail", true).status(), absl::StatusCode::kNotFound,
              "QUEUE_NOT_FOUND");
  EXPECT_THAT(PausedInStore(), IsEmpty());
  EXPECT_FALSE(served_.types().IsPaused("mail"));
}

// --- Queues and types that are forgotten

TEST_F(StateServiceTest, LetsWorkersAnnounceAgainOnceAQueueOrATypeIsForgotten) {
  std::atomic<int> announced = 0;
  served_.workers().Put(
      7, internal::v1::Hello(), [](const internal::v1::CancelNotice&) {}, [&] { ++announced; });
  served_.Announce("mail", "letters");
  ASSERT_TRUE(caller_.DeleteType("mail").ok());
  EXPECT_EQ(announced, 1);
  ASSERT_TRUE(caller_.DeleteQueue("letters").ok());
  EXPECT_EQ(announced, 2);
  EXPECT_FALSE(caller_.DeleteQueue("letters").ok());
  EXPECT_EQ(announced, 2) << "nothing was forgotten";
  served_.workers().Remove(7);
}

TEST_F(StateServiceTest, ForgetsThePauseWithTheQueue) {
  served_.Announce("mail", "mail");
  ASSERT_TRUE(caller_.SetQueuePaused("mail", true).ok());
  ASSERT_TRUE(caller_.DeleteQueue("mail").ok());
  store().SetPaused("of-nobody", false);  // Is behind whatever the deletion wrote.
  EXPECT_THAT(PausedInStore(), IsEmpty());
  served_.Announce("mail", "mail");
  internal::v1::NewJob mail = NewJob();
  mail.set_type("mail");
  mail.set_queue("mail");
  ASSERT_TRUE(caller_.Submit(mail).ok());
  EXPECT_TRUE(served_.broker().AwaitReady("buzzer.mail.normal", 1));
}

TEST_F(StateServiceTest, SaysWhyAQueueOrATypeIsNotForgotten) {
  served_.Connect(1, "report", "reports");
  served_.Announce("mail", "letters");
  internal::v1::NewJob mail = NewJob();
  mail.set_type("mail");
  mail.clear_queue();
  ASSERT_TRUE(caller_.Submit(mail).ok());
  for (const auto& [status, says] :
       {Refusal{caller_.DeleteQueue("reports"), "a connected worker serves queue reports"},
        Refusal{caller_.DeleteQueue("letters"), "queue letters has jobs that are not finished"},
        Refusal{caller_.DeleteQueue("demo.echo"), "is declared"}}) {
    ExpectError(status, absl::StatusCode::kFailedPrecondition, "QUEUE_IN_USE");
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  }
  for (const auto& [status, says] :
       {Refusal{caller_.DeleteType("report"), "a connected worker has a handler for type report"},
        Refusal{caller_.DeleteType("demo.echo"), "is declared"}}) {
    ExpectError(status, absl::StatusCode::kFailedPrecondition, "TYPE_IN_USE");
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  }
  ExpectError(caller_.DeleteQueue("nowhere"), absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND");
  ExpectError(caller_.DeleteType("nothing"), absl::StatusCode::kNotFound, "TYPE_NOT_FOUND");
}

// --- What it refuses

TEST_F(StateServiceTest, RefusesAnIdThatIsNot16Bytes) {
  const auto about = [](auto request) {
    request.set_tenant("default");
    request.set_id("fifteen bytes..");
    return request;
  };
  for (const absl::Status& status :
       {caller_.Call(&Stub::GetJob, about(internal::v1::GetJobRequest())).status(),
        caller_.Call(&Stub::GetJobResult, about(internal::v1::GetJobResultRequest())).status(),
        caller_.Call(&Stub::CancelJob, about(internal::v1::CancelJobRequest())).status(),
        caller_.Call(&Stub::RetryJob, about(internal::v1::RetryJobRequest())).status(),
        caller_.Call(&Stub::DeleteJob, about(internal::v1::DeleteJobRequest())).status()}) {
    ExpectError(status, absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
    EXPECT_THAT(std::string(status.message()), HasSubstr("`id`"));
  }
}

TEST_F(StateServiceTest, RefusesATenantThatIsNoName) {
  const JobId job = SubmitByCall();
  internal::v1::ListJobsRequest list;
  list.set_tenant("No Name");
  for (const absl::Status& status :
       {caller_.Get(job, "No Name").status(), caller_.GetResult(job, "No Name").status(),
        caller_.Cancel(job, /*force=*/false, "No Name").status(),
        caller_.Retry(job, "No Name").status(), caller_.Delete(job, "No Name"),
        caller_.List(list).status(), caller_.ReleaseKey("k", "No Name"),
        caller_.GetQueue("demo.echo", "No Name").status(),
        caller_.ListQueues("No Name").status()}) {
    ExpectError(status, absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
    EXPECT_THAT(std::string(status.message()), HasSubstr("`tenant`"));
  }
}

TEST_F(StateServiceTest, RefusesOtherFieldsThatCannotBeMeantByTheirNames) {
  internal::v1::ListJobsRequest list;
  list.set_before_id("fifteen bytes..");
  for (const auto& [status, says] :
       {Refusal{caller_.List(list).status(), "`before_id`"},
        Refusal{caller_.ReleaseKey("\n"), "`idempotency_key`"},
        Refusal{caller_.GetQueue("No Name").status(), "`queue`"},
        Refusal{caller_.SetQueuePaused("No Name", true).status(), "`queue`"},
        Refusal{caller_.DeleteQueue("No Name"), "`queue`"},
        Refusal{caller_.DeleteType("No Name"), "`type`"}}) {
    ExpectError(status, absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  }
}

TEST_F(StateServiceTest, RefusesBytesThatAreNoMessageWhateverTheMethod) {
  const std::string no_field = "\x0a\x7fshort";
  // More parts than any message of this service needs.
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "\xf8\x3f\x01";  // Number 1023, value 1.
  for (const std::string& method : Methods(/*streaming=*/false)) {
    for (const std::string& bytes : {no_field, many}) {
      const absl::Status status = caller_.CallWithBytes(method, bytes);
      EXPECT_EQ(ErrorReason(status), "INVALID_REQUEST") << method << ": " << status;
      EXPECT_TRUE(absl::IsInvalidArgument(status));
    }
  }
  for (const std::string& method : Methods(/*streaming=*/true)) {
    const absl::Status status = caller_.StreamWithBytes(method, no_field);
    EXPECT_EQ(ErrorReason(status), "INVALID_REQUEST") << method << ": " << status;
  }
  EXPECT_TRUE(caller_.Get(SubmitByCall()).ok()) << "it lives on";
}

TEST_F(StateServiceTest, PassesOnWhatTheStoreSaysWhateverTheCall) {
  const JobId job = SubmitByCall();
  served_.Announce("mail", "letters");
  served_.Announce("post", "parcels");
  failing_.down = true;
  for (const absl::Status& status :
       {caller_.Submit(NewJob()).status(), caller_.Get(job).status(), caller_.GetFull(job).status(),
        caller_.List({}).status(), caller_.GetResult(job).status(), caller_.Cancel(job).status(),
        caller_.Retry(job).status(), caller_.Delete(job), caller_.ReleaseKey("k"),
        caller_.GetQueue("demo.echo").status(), caller_.ListQueues().status(),
        caller_.SetQueuePaused("demo.echo", true).status(), caller_.DeleteQueue("letters"),
        caller_.DeleteType("post")}) {
    ExpectError(status, absl::StatusCode::kUnavailable, "STORE_BROKEN");
    EXPECT_EQ(ErrorRetryAfter(status), absl::Seconds(5));
  }
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  EXPECT_FALSE(watches.Next(1).has_value());
  ExpectError(watches.EndOf(1), absl::StatusCode::kUnavailable, "STORE_BROKEN");

  failing_.down = false;
  EXPECT_TRUE(caller_.Get(job).ok());
  ASSERT_TRUE(watches.Start(1, job));
  EXPECT_TRUE(watches.Next(1).has_value()) << "its stream has lived on";
}

// --- Streams

TEST_F(StateServiceTest, EndsASubmitStreamWithABatchOfTooManyJobs) {
  const auto line = caller_.OpenSubmitLine();
  internal::v1::SubmitRequest request;
  for (int i = 0; i <= kMaxBatchJobs; ++i) request.add_jobs();
  line->Send(request);
  EXPECT_FALSE(line->Read().has_value());
  const absl::Status end = line->Finish();
  ExpectError(end, absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  EXPECT_THAT(std::string(end.message()), HasSubstr("must be at most 1000, not 1001"));
}

TEST_F(StateServiceTest, AnswersBatchesThatWereSentBeforeTheFirstAnswerWasRead) {
  const auto line = caller_.OpenSubmitLine();
  std::vector<int64_t> answered;
  for (int64_t batch = 1; batch <= 20; ++batch) {
    internal::v1::SubmitRequest request;
    request.set_batch(batch);
    *request.add_jobs() = NewJob();
    ASSERT_TRUE(line->Send(request));
  }
  while (answered.size() < 20) {
    const auto response = line->Read();
    ASSERT_TRUE(response.has_value());
    ASSERT_EQ(response->results_size(), 1);
    EXPECT_TRUE(response->results(0).has_job());
    answered.push_back(response->batch());
  }
  EXPECT_EQ(std::set<int64_t>(answered.begin(), answered.end()).size(), 20u);
}

TEST_F(StateServiceTest, DispatchesWhatWasSubmitted) {
  const JobId job = SubmitByCall();
  ASSERT_TRUE(served_.broker().AwaitReady(kNormal, 1));
  EXPECT_THAT(served_.broker().Ready(kNormal), ElementsAre(job));
}

TEST_F(StateServiceTest, EndsAWatchStreamOnWhichANumberIsUsedTwice) {
  const JobId job = SubmitByCall();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  ASSERT_TRUE(watches.Next(1).has_value());
  ASSERT_TRUE(watches.Start(1, job));
  EXPECT_FALSE(watches.Next(1).has_value());
  const absl::Status end = watches.line().Finish();
  ExpectError(end, absl::StatusCode::kInvalidArgument, "INVALID_FIELD");
  EXPECT_THAT(std::string(end.message()), HasSubstr("`watch`"));
}

TEST_F(StateServiceTest, TellsAWatchOfAnAttemptThatIsHandedBackOrLost) {
  const JobId job = SubmitByCall();
  WatchLine watches = caller_.OpenWatchLine();
  ASSERT_TRUE(watches.Start(1, job));
  ASSERT_TRUE(watches.Next(1).has_value());
  ASSERT_TRUE(store().HandBack(store().MustClaim(job)));
  store().LoseLease(store().MustClaim(job));
  std::vector<std::string> causes;
  for (int i = 0; i < 4; ++i) {
    const auto event = watches.Next(1);
    ASSERT_TRUE(event.has_value());
    causes.push_back(event->cause());
  }
  EXPECT_THAT(causes, ElementsAre("CLAIMED", "HANDED_BACK", "CLAIMED", "LEASE_EXPIRED"));
}

TEST_F(StateServiceTest, ForgetsTheWatchesOfAStreamThatIsGone) {
  const JobId job = SubmitByCall();
  {
    WatchLine watches = caller_.OpenWatchLine();
    ASSERT_TRUE(watches.Start(1, job));
    ASSERT_TRUE(watches.Start(2, job));
    for (const int64_t watch : {1, 2}) ASSERT_TRUE(watches.Next(watch).has_value());
    EXPECT_EQ(served_.hub().size(), 2u);
  }
  served_.StopServing();  // Waits for what is left of its streams.
  EXPECT_EQ(served_.hub().size(), 0u);
}

}  // namespace
}  // namespace buzzer::state
