// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The whole frontend over real gRPC, before a state service that the test leads.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "buzzer/v1/queue_service.grpc.pb.h"
#include "common/errors/errors.h"
#include "common/grpc/status.h"
#include "google/rpc/error_info.pb.h"
#include "services/frontend/server.h"
#include "tests/fakes/fake_state.h"

namespace buzzer::frontend {
namespace {

using google::api::HttpBody;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// One call's metadata, both ways.
class Call {
 public:
  Call() {
    // Only a test that fails comes near.
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }
  Call& With(const std::string& key, const std::string& value) {
    context.AddMetadata(key, value);
    return *this;
  }
  // The initial metadata of this key, or "none".
  std::string Header(const std::string& key) const {
    const auto& metadata = context.GetServerInitialMetadata();
    const auto it = metadata.find(key);
    return it == metadata.end() ? "none" : std::string(it->second.data(), it->second.size());
  }

  grpc::ClientContext context;
};

std::string Reason(const grpc::Status& status) { return ErrorReason(FromGrpcStatus(status)); }

// The metadata of the ErrorInfo.
std::string ErrorMetadata(const grpc::Status& status, const std::string& key) {
  const auto payload =
      FromGrpcStatus(status).GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return "";
  const auto it = info.metadata().find(key);
  return it == info.metadata().end() ? "" : it->second;
}

class FrontendTest : public ::testing::Test {
 protected:
  ~FrontendTest() override {
    // Before the state service, so that its calls end by themselves.
    if (frontend_ != nullptr) frontend_->Shutdown();
  }

  void Start(Timing timing = {}) {
    Config config;
    config.listen_address = "127.0.0.1:0";
    config.metrics_address = "";  // Its library takes 2 s to stop.
    config.state_address = state_.address();
    config.timing = timing;
    auto server = Server::Start(config);
    ASSERT_TRUE(server.ok()) << server.status();
    frontend_ = *std::move(server);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", frontend_->port()),
                                   grpc::InsecureChannelCredentials());
    jobs_ = v1::JobService::NewStub(channel_);
    queues_ = v1::QueueService::NewStub(channel_);
    AwaitLines();
  }

  // Until both lines to state are up: submits and waits are not refused any more.
  void AwaitLines() {
    while (true) {
      Call call;
      v1::Job job;
      v1::GetJobRequest request;
      request.set_name("jobs/00000000-0000-7000-8000-000000000000");
      request.mutable_wait()->set_nanos(1'000'000);
      const auto waited = jobs_->GetJob(&call.context, request, &job);
      Call submit;
      v1::SubmitJobRequest nothing;
      nothing.set_type("warm.up");
      const auto submitted = jobs_->SubmitJob(&submit.context, nothing, &job);
      if (Reason(waited) != "STATE_UNAVAILABLE" && Reason(submitted) != "STATE_UNAVAILABLE") break;
      std::this_thread::yield();
    }
  }

  static v1::SubmitJobRequest Echo() {
    v1::SubmitJobRequest request;
    request.set_type("demo.echo");
    request.mutable_payload()->set_number_value(45);
    return request;
  }

  grpc::Status Submit(Call& call, v1::Job* job) {
    return jobs_->SubmitJob(&call.context, Echo(), job);
  }

  // Jobs that state stored, but for those of AwaitLines.
  std::vector<internal::v1::NewJob> Stored() const {
    std::vector<internal::v1::NewJob> stored;
    for (auto& job : state_.stored()) {
      if (job.type() != "warm.up") stored.push_back(job);
    }
    return stored;
  }

  static std::string NameOf(const JobId& id) { return absl::StrCat("jobs/", id.ToString()); }

  grpc::Status Get(const std::string& name, v1::Job* job) {
    Call call;
    v1::GetJobRequest request;
    request.set_name(name);
    return jobs_->GetJob(&call.context, request, job);
  }

  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> Watch(Call& call, const JobId& id,
                                                                  int64_t after = 0) {
    v1::WatchJobRequest request;
    request.set_name(NameOf(id));
    request.set_after_revision(after);
    return jobs_->WatchJob(&call.context, request);
  }

  std::unique_ptr<grpc::ClientReader<HttpBody>> StreamEvents(Call& call, const JobId& id) {
    v1::StreamJobEventsRequest request;
    request.set_name(NameOf(id));
    return jobs_->StreamJobEvents(&call.context, request);
  }

  // Revision of the next event; 0 at the end.
  static int64_t NextRevision(grpc::ClientReader<v1::WatchJobResponse>& reader) {
    v1::WatchJobResponse response;
    return reader.Read(&response) ? response.event().revision() : 0;
  }

  // Text of the next message; "the end" at the end.
  static std::string NextText(grpc::ClientReader<HttpBody>& reader) {
    HttpBody body;
    return reader.Read(&body) ? body.data() : "the end";
  }

  testing::FakeState state_;
  std::unique_ptr<Server> frontend_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::QueueService::Stub> queues_;
};

// --- Submit

TEST_F(FrontendTest, AcceptsAJob) {
  Start();
  Call call;
  call.With("x-buzzer-tenant", "acme").With("idempotency-key", "\"k 1\"");
  v1::Job job;
  ASSERT_TRUE(Submit(call, &job).ok());
  EXPECT_EQ(call.Header("x-http-code"), "202");
  EXPECT_EQ(call.Header("location"), "/v1/" + job.name());
  EXPECT_EQ(call.Header("retry-after"), "1");
  const auto stored = Stored();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].tenant(), "acme");
  EXPECT_EQ(stored[0].payload(), "45");
  EXPECT_EQ(stored[0].idempotency_key(), "k 1");
  EXPECT_EQ(stored[0].request_hash().size(), 32u);
}

TEST_F(FrontendTest, MarksARepeatAndNamesNoTimeToComeBackToAnEndedJob) {
  Start();
  Call first;
  v1::Job job;
  ASSERT_TRUE(Submit(first.With("idempotency-key", "k"), &job).ok());
  EXPECT_FALSE(job.replayed());
  EXPECT_EQ(first.Header("idempotent-replayed"), "none");
  const std::string name = job.name();

  Call waiting;
  ASSERT_TRUE(Submit(waiting.With("idempotency-key", "k"), &job).ok());
  EXPECT_EQ(job.name(), name);
  EXPECT_TRUE(job.replayed());
  EXPECT_EQ(waiting.Header("idempotent-replayed"), "true");
  EXPECT_EQ(waiting.Header("retry-after"), "1");

  state_.Change(*JobId::Parse(job.id()), v1::Job::FAILED, "FAILED");
  Call ended;
  ASSERT_TRUE(Submit(ended.With("idempotency-key", "k"), &job).ok());
  EXPECT_TRUE(job.replayed());
  EXPECT_EQ(ended.Header("idempotent-replayed"), "true");
  EXPECT_EQ(ended.Header("x-http-code"), "202");
  EXPECT_EQ(ended.Header("location"), "/v1/" + name);
  EXPECT_EQ(ended.Header("retry-after"), "none");

  Call preferring;
  ASSERT_TRUE(Submit(preferring.With("idempotency-key", "k").With("prefer", "wait=5"), &job).ok());
  EXPECT_TRUE(job.replayed());
  EXPECT_EQ(preferring.Header("idempotent-replayed"), "true");
  EXPECT_EQ(preferring.Header("x-http-code"), "none");

  v1::BatchSubmitJobsRequest batch;
  *batch.add_requests() = Echo();
  batch.mutable_requests(0)->set_idempotency_key("k");
  *batch.add_requests() = Echo();
  Call batching;
  v1::BatchSubmitJobsResponse results;
  ASSERT_TRUE(jobs_->BatchSubmitJobs(&batching.context, batch, &results).ok());
  EXPECT_TRUE(results.results(0).job().replayed());
  EXPECT_FALSE(results.results(1).job().replayed());
  // It is said of the submit, not of the job.
  ASSERT_TRUE(Get(name, &job).ok());
  EXPECT_FALSE(job.replayed());
}

TEST_F(FrontendTest, KeepsTheMarkOfARepeatThatWaitsForTheEnd) {
  Start();
  Call first;
  v1::Job job;
  ASSERT_TRUE(Submit(first.With("idempotency-key", "k"), &job).ok());
  const JobId id = *JobId::Parse(job.id());
  Call call;
  v1::Job repeated;
  std::thread ending([&] {
    ASSERT_TRUE(state_.AwaitOpenWatches(1));
    state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  });
  EXPECT_TRUE(Submit(call.With("idempotency-key", "k").With("prefer", "wait=20"), &repeated).ok());
  ending.join();
  EXPECT_EQ(repeated.state(), v1::Job::SUCCEEDED);
  EXPECT_TRUE(repeated.replayed());
  EXPECT_EQ(call.Header("preference-applied"), "wait=20");
}

TEST_F(FrontendTest, RefusesABadRequestBeforeItGetsAnId) {
  Start();
  Call call;
  v1::Job job;
  const auto status = jobs_->SubmitJob(&call.context, v1::SubmitJobRequest(), &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Reason(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("`type`"));
  EXPECT_EQ(call.Header("x-http-code"), "none");
  EXPECT_TRUE(Stored().empty());
}

TEST_F(FrontendTest, TellsTheGatewayThatAPayloadIsTooLarge) {
  Start();
  Call call;
  v1::SubmitJobRequest request = Echo();
  request.clear_payload();
  request.set_payload_bytes(std::string((1 << 20) + 1, 'x'));
  v1::Job job;
  EXPECT_EQ(Reason(jobs_->SubmitJob(&call.context, request, &job)), "TOO_LARGE");
  EXPECT_EQ(call.Header("x-http-code"), "413");
}

TEST_F(FrontendTest, PassesStatesRefusalOnWithItsDetails) {
  Start();
  state_.RefuseSubmits(
      ErrorBuilder(absl::StatusCode::kAlreadyExists, "KEY_REUSED", "another request").Build());
  Call call;
  v1::Job job;
  const auto status = Submit(call, &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Reason(status), "KEY_REUSED");
  EXPECT_EQ(call.Header("x-http-code"), "422");

  state_.RefuseSubmits(ErrorBuilder(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "full")
                           .RetryAfter(absl::Milliseconds(6500))
                           .Build());
  Call full;
  EXPECT_EQ(Reason(Submit(full, &job)), "QUEUE_FULL");
  EXPECT_EQ(full.Header("retry-after"), "7");
}

TEST_F(FrontendTest, RefusesATenantThatIsNoName) {
  Start();
  Call call;
  call.With("x-buzzer-tenant", "No Name");
  v1::Job job;
  EXPECT_EQ(Submit(call, &job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(FrontendTest, RepeatsASubmitWhoseAnswerWasLost) {
  Start({.submit_limit = absl::Hours(1)});
  state_.LoseAnswers(2);
  Call call;
  v1::Job job;
  ASSERT_TRUE(Submit(call, &job).ok());
  ASSERT_EQ(Stored().size(), 1u) << "stored once, though it was sent three times";
  EXPECT_EQ(JobId::Parse(job.id())->bytes(), Stored()[0].id());
}

TEST_F(FrontendTest, SaysThatTheOutcomeIsUnknownAndNamesTheJob) {
  Start({.submit_limit = absl::Milliseconds(200)});
  state_.HoldAnswers();
  Call call;
  v1::Job job;
  const auto status = Submit(call, &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(Reason(status), "OUTCOME_UNKNOWN");
  ASSERT_EQ(Stored().size(), 1u);
  EXPECT_EQ(ErrorMetadata(status, "job"), NameOf(*JobId::FromBytes(Stored()[0].id())));
}

TEST_F(FrontendTest, RefusesAtOnceWhileStateIsDownAndRecoversByItself) {
  // Were it not at once, the calls would run into their own deadline.
  Start({.submit_limit = absl::Hours(1), .state_deadline = absl::Hours(1)});
  const JobId id = state_.AddJob();
  state_.Stop();
  v1::Job job;
  grpc::Status status;
  do {  // Until the frontend has noticed.
    Call call;
    status = Submit(call, &job);
    EXPECT_TRUE(status.ok() || call.Header("retry-after") == "1");
  } while (status.ok());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(status), "STATE_UNAVAILABLE");
  EXPECT_EQ(Reason(Get(NameOf(id), &job)), "STATE_UNAVAILABLE");
  Call watch;
  EXPECT_EQ(Reason(Watch(watch, id)->Finish()), "STATE_UNAVAILABLE");
  Call wait;
  v1::WaitJobRequest request;
  request.set_name(NameOf(id));
  EXPECT_EQ(Reason(jobs_->WaitJob(&wait.context, request, &job)), "STATE_UNAVAILABLE");

  state_.Start();
  AwaitLines();
  Call again;
  EXPECT_TRUE(Submit(again, &job).ok());
}

TEST_F(FrontendTest, TakesManySubmitsAtOnce) {
  Start();
  std::vector<std::future<grpc::Status>> statuses;
  statuses.reserve(100);
  for (int i = 0; i < 100; ++i) {
    statuses.push_back(std::async(std::launch::async, [this] {
      Call call;
      v1::Job job;
      return Submit(call, &job);
    }));
  }
  for (auto& status : statuses) EXPECT_TRUE(status.get().ok());
  EXPECT_EQ(Stored().size(), 100u);
}

TEST_F(FrontendTest, SurvivesAnyNameThatStateGivesAJob) {
  Start();
  state_.NameJobs("jobs/\r\nset-cookie: a=b");
  Call call;
  v1::Job job;
  ASSERT_TRUE(Submit(call, &job).ok());
  EXPECT_EQ(call.Header("location"), "/v1/jobs/%0D%0Aset-cookie: a=b");
}

// --- Prefer: wait

TEST_F(FrontendTest, AnswersAJobThatIsDoneInTimeWith200) {
  Start();
  auto answer = std::async(std::launch::async, [this] {
    auto call = std::make_unique<Call>();
    call->With("prefer", "respond-async, wait=20");
    v1::Job job;
    EXPECT_TRUE(Submit(*call, &job).ok());
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED);
    return call;
  });
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  state_.Change(*JobId::FromBytes(Stored()[0].id()), v1::Job::SUCCEEDED, "SUCCEEDED");
  const auto call = answer.get();
  EXPECT_EQ(call->Header("x-http-code"), "none");
  EXPECT_EQ(call->Header("preference-applied"), "wait=20");
}

TEST_F(FrontendTest, AnswersAJobThatIsNotDoneInTimeWith202) {
  Start();
  Call call;
  call.With("prefer", "wait=1");
  v1::Job job;
  ASSERT_TRUE(Submit(call, &job).ok());
  EXPECT_EQ(call.Header("x-http-code"), "202");
  EXPECT_EQ(call.Header("preference-applied"), "none");
  EXPECT_EQ(job.state(), v1::Job::QUEUED);
}

TEST_F(FrontendTest, StopsWaitingWhenTheClientIsGone) {
  Start();
  Call call;
  call.With("prefer", "wait=23");
  auto answer = std::async(std::launch::async, [&] {
    v1::Job job;
    return Submit(call, &job);
  });
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  call.context.TryCancel();
  EXPECT_EQ(answer.get().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(state_.AwaitOpenWatches(0));
}

// --- Reading one job

TEST_F(FrontendTest, GetsAJobWithItsHeaders) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  v1::GetJobRequest request;
  request.set_name(NameOf(id));
  v1::Job job;
  ASSERT_TRUE(jobs_->GetJob(&call.context, request, &job).ok());
  EXPECT_EQ(job.id(), id.ToString());
  EXPECT_EQ(call.Header("etag"), "\"1\"");
  EXPECT_EQ(call.Header("retry-after"), "1");

  state_.Change(id, v1::Job::FAILED, "FAILED");
  Call after;
  ASSERT_TRUE(jobs_->GetJob(&after.context, request, &job).ok());
  EXPECT_EQ(after.Header("etag"), "\"2\"");
  EXPECT_EQ(after.Header("retry-after"), "none");
}

TEST_F(FrontendTest, GivesThePayloadBackInTheFullView) {
  Start();
  v1::Job submitted;
  Call call;
  v1::SubmitJobRequest request = Echo();
  auto& fields = *request.mutable_payload()->mutable_struct_value()->mutable_fields();
  fields["steps"].set_number_value(9);
  ASSERT_TRUE(jobs_->SubmitJob(&call.context, request, &submitted).ok());
  v1::GetJobRequest get;
  get.set_name(submitted.name());
  get.set_view(v1::JOB_VIEW_FULL);
  Call full;
  v1::Job job;
  ASSERT_TRUE(jobs_->GetJob(&full.context, get, &job).ok());
  EXPECT_EQ(job.payload().struct_value().fields().at("steps").number_value(), 9);
  EXPECT_EQ(job.history_size(), 1);

  Call bytes_call;
  request.clear_payload();
  request.set_payload_bytes("raw");
  ASSERT_TRUE(jobs_->SubmitJob(&bytes_call.context, request, &submitted).ok());
  get.set_name(submitted.name());
  Call bytes_full;
  ASSERT_TRUE(jobs_->GetJob(&bytes_full.context, get, &job).ok());
  EXPECT_EQ(job.payload_bytes(), "raw");
  EXPECT_FALSE(job.has_payload());
}

TEST_F(FrontendTest, SaysNotFoundOfUnknownAndMalformedIds) {
  Start();
  v1::Job job;
  for (const std::string& name :
       {NameOf(JobId::Make(absl::FromUnixSeconds(1))), std::string("jobs/1"),
        std::string("jobs/\r\nx: y"), std::string("jobs/é")}) {
    const auto status = Get(name, &job);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << name;
    EXPECT_EQ(Reason(status), "JOB_NOT_FOUND");
  }
  EXPECT_EQ(Reason(Get("", &job)), "INVALID_FIELD");
}

TEST_F(FrontendTest, HoldsAGetUntilThereIsANewerRevision) {
  Start();
  const JobId id = state_.AddJob();
  auto answer = std::async(std::launch::async, [&] {
    Call call;
    v1::GetJobRequest request;
    request.set_name(NameOf(id));
    request.set_after(1);
    request.mutable_wait()->set_seconds(23);
    v1::Job job;
    EXPECT_TRUE(jobs_->GetJob(&call.context, request, &job).ok());
    return job;
  });
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  EXPECT_EQ(answer.get().revision(), 2);
}

TEST_F(FrontendTest, AnswersAHeldGetAsTheJobStandsWhenTheTimeIsUp) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  v1::GetJobRequest request;
  request.set_name(NameOf(id));
  request.set_after(1);
  request.mutable_wait()->set_nanos(1'000'000);
  v1::Job job;
  ASSERT_TRUE(jobs_->GetJob(&call.context, request, &job).ok());
  EXPECT_EQ(job.revision(), 1);
  EXPECT_TRUE(state_.AwaitOpenWatches(0));
}

TEST_F(FrontendTest, WaitsForTheEndOfAJob) {
  Start();
  const JobId id = state_.AddJob();
  auto answer = std::async(std::launch::async, [&] {
    Call call;
    v1::WaitJobRequest request;
    request.set_name(NameOf(id));
    v1::Job job;
    EXPECT_TRUE(jobs_->WaitJob(&call.context, request, &job).ok());
    return job;
  });
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  EXPECT_EQ(answer.get().state(), v1::Job::SUCCEEDED);
}

TEST_F(FrontendTest, GivesAResultWithHeadersThatABrowserIsSafeWith) {
  Start();
  const JobId id = state_.AddJob();
  v1::GetJobResultRequest request;
  request.set_name(NameOf(id));
  Call early;
  HttpBody body;
  EXPECT_EQ(Reason(jobs_->GetJobResult(&early.context, request, &body)), "RESULT_NOT_READY");
  EXPECT_EQ(early.Header("retry-after"), "1");

  state_.SetResult(id, "text/html\r\nx: y", "<script>");
  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  Call html;
  ASSERT_TRUE(jobs_->GetJobResult(&html.context, request, &body).ok());
  EXPECT_EQ(body.content_type(), "application/octet-stream");
  EXPECT_EQ(body.data(), "<script>");
  EXPECT_EQ(html.Header("x-content-type-options"), "nosniff");
  EXPECT_EQ(html.Header("content-security-policy"), "sandbox");
  EXPECT_EQ(html.Header("content-disposition"), "attachment");

  state_.SetResult(id, "application/json", "{}");
  Call json;
  ASSERT_TRUE(jobs_->GetJobResult(&json.context, request, &body).ok());
  EXPECT_EQ(body.content_type(), "application/json");
  EXPECT_EQ(json.Header("content-disposition"), "none");
}

TEST_F(FrontendTest, CancelsWith202WhileTheJobStops) {
  Start();
  const JobId id = state_.AddJob();
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  v1::CancelJobRequest request;
  request.set_name(NameOf(id));
  v1::Job job;
  Call running;
  ASSERT_TRUE(jobs_->CancelJob(&running.context, request, &job).ok());
  EXPECT_EQ(job.state(), v1::Job::CANCELLING);
  EXPECT_EQ(running.Header("x-http-code"), "202");

  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  Call finished;
  EXPECT_EQ(Reason(jobs_->CancelJob(&finished.context, request, &job)), "JOB_FINISHED");
  EXPECT_EQ(finished.Header("x-http-code"), "409");
}

TEST_F(FrontendTest, PassesAForcedCancelOn) {
  Start();
  const JobId id = state_.AddJob();
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  v1::CancelJobRequest request;
  request.set_name(NameOf(id));
  request.set_force(true);
  v1::Job job;
  Call call;
  ASSERT_TRUE(jobs_->CancelJob(&call.context, request, &job).ok());
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
  EXPECT_EQ(call.Header("x-http-code"), "none");
}

TEST_F(FrontendTest, RetriesAndDeletes) {
  Start();
  const JobId id = state_.AddJob();
  v1::RetryJobRequest retry;
  retry.set_name(NameOf(id));
  v1::Job job;
  Call early;
  EXPECT_EQ(Reason(jobs_->RetryJob(&early.context, retry, &job)), "JOB_NOT_RETRYABLE");
  EXPECT_EQ(early.Header("x-http-code"), "409");
  state_.Change(id, v1::Job::FAILED, "FAILED");
  Call retried;
  EXPECT_TRUE(jobs_->RetryJob(&retried.context, retry, &job).ok());
  EXPECT_EQ(job.state(), v1::Job::QUEUED);
  EXPECT_EQ(retried.Header("x-http-code"), "none");
  v1::DeleteJobRequest remove;
  remove.set_name(NameOf(id));
  google::protobuf::Empty empty;
  Call refused;
  EXPECT_EQ(Reason(jobs_->DeleteJob(&refused.context, remove, &empty)), "JOB_NOT_FINISHED");
  EXPECT_EQ(refused.Header("x-http-code"), "409");
  state_.Change(id, v1::Job::FAILED, "FAILED");
  Call deleted;
  EXPECT_TRUE(jobs_->DeleteJob(&deleted.context, remove, &empty).ok());
  EXPECT_EQ(Reason(Get(NameOf(id), &job)), "JOB_NOT_FOUND");
}

TEST_F(FrontendTest, ReleasesTheKeyOfAJobThatHasEnded) {
  Start();
  Call submit;
  v1::Job job;
  ASSERT_TRUE(Submit(submit.With("idempotency-key", "k"), &job).ok());
  v1::ReleaseIdempotencyKeyRequest request;
  v1::ReleaseIdempotencyKeyResponse nothing;
  const auto release = [&](const std::string& key, Call& call) {
    request.set_idempotency_key(key);
    return jobs_->ReleaseIdempotencyKey(&call.context, request, &nothing);
  };
  Call unknown;
  EXPECT_EQ(Reason(release("other", unknown)), "KEY_NOT_FOUND");
  Call waits;
  EXPECT_EQ(Reason(release("k", waits)), "JOB_NOT_FINISHED");
  EXPECT_EQ(waits.Header("x-http-code"), "409");
  state_.Change(*JobId::Parse(job.id()), v1::Job::FAILED, "FAILED");
  Call released;
  EXPECT_TRUE(release("k", released).ok());
  Call again;
  v1::Job fresh;
  ASSERT_TRUE(Submit(again.With("idempotency-key", "k"), &fresh).ok());
  EXPECT_NE(fresh.id(), job.id());
  EXPECT_FALSE(fresh.replayed());
  for (const std::string& key : {std::string(), std::string("\n"), std::string(256, 'k')}) {
    Call bad;
    const grpc::Status refused = release(key, bad);
    EXPECT_EQ(Reason(refused), "INVALID_FIELD");
    EXPECT_THAT(refused.error_message(), HasSubstr("`idempotency_key`: must be 1 to 255"));
  }
}

// --- Batches

TEST_F(FrontendTest, GivesEachJobOfABatchItsOwnResultInOrder) {
  Start();
  v1::BatchSubmitJobsRequest request;
  for (int i = 0; i < 100; ++i) {
    auto* one = request.add_requests();
    one->set_type(absl::StrCat("type", i));
    if (i % 10 == 3) one->set_max_attempts(101);
  }
  Call call;
  v1::BatchSubmitJobsResponse response;
  ASSERT_TRUE(jobs_->BatchSubmitJobs(&call.context, request, &response).ok());
  ASSERT_EQ(response.results_size(), 100);
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const auto& result = response.results(i);
    if (i % 10 == 3) {
      EXPECT_EQ(result.error().code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
      EXPECT_THAT(result.error().message(), HasSubstr("max_attempts"));
    } else {
      EXPECT_EQ(result.job().type(), absl::StrCat("type", i));
      ids.insert(result.job().id());
    }
  }
  EXPECT_EQ(ids.size(), 90u);
}

TEST_F(FrontendTest, FitsAThousandLongErrorsIntoAnAnswerThatClientsTake) {
  Start();
  v1::BatchSubmitJobsRequest request;
  for (int i = 0; i < 1000; ++i) {
    // Each fault is named, twice over.
    auto* one = request.add_requests();
    for (int label = 0; label < 40; ++label) {
      (*one->mutable_labels())[absl::StrCat(label, "!", std::string(30, 'x'))] = "";
    }
  }
  Call call;
  v1::BatchSubmitJobsResponse response;
  const auto status = jobs_->BatchSubmitJobs(&call.context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto reason = [](const google::rpc::Status& error) {
    return ErrorReason(FromRpcStatus(error));
  };
  EXPECT_EQ(reason(response.results(0).error()), "INVALID_FIELD");
  EXPECT_EQ(reason(response.results(999).error()), "INVALID_FIELD");
  EXPECT_LT(response.results(999).error().message().size(), 201u);
}

TEST_F(FrontendTest, AnswersABatchOfNothingButFaultyJobs) {
  Start();
  v1::BatchSubmitJobsRequest request;
  request.add_requests();
  Call call;
  v1::BatchSubmitJobsResponse response;
  ASSERT_TRUE(jobs_->BatchSubmitJobs(&call.context, request, &response).ok());
  EXPECT_THAT(response.results(0).error().message(), HasSubstr("type"));
}

TEST_F(FrontendTest, RefusesABatchThatIsNone) {
  Start();
  v1::BatchSubmitJobsRequest request;
  v1::BatchSubmitJobsResponse response;
  Call empty;
  EXPECT_EQ(Reason(jobs_->BatchSubmitJobs(&empty.context, request, &response)), "INVALID_FIELD");
  request.add_requests()->set_type("demo.echo");
  Call keyed;
  keyed.context.AddMetadata("idempotency-key", "k");
  EXPECT_EQ(Reason(jobs_->BatchSubmitJobs(&keyed.context, request, &response)), "INVALID_FIELD");
  for (int i = 0; i < 4; ++i) {
    request.add_requests()->set_payload_bytes(std::string(1 << 20, 'x'));
  }
  Call large;
  EXPECT_EQ(Reason(jobs_->BatchSubmitJobs(&large.context, request, &response)), "TOO_LARGE");
  EXPECT_EQ(large.Header("x-http-code"), "413");
  while (request.requests_size() <= 1000) request.add_requests();
  Call many;
  EXPECT_EQ(Reason(jobs_->BatchSubmitJobs(&many.context, request, &response)), "INVALID_FIELD");
}

TEST_F(FrontendTest, SaysOfEachJobOfABatchThatStateCannotBeReached) {
  Start();
  state_.Stop();
  v1::BatchSubmitJobsRequest request;
  for (int i = 0; i < 3; ++i) request.add_requests()->set_type("demo.echo");
  Call call;
  v1::BatchSubmitJobsResponse response;
  ASSERT_TRUE(jobs_->BatchSubmitJobs(&call.context, request, &response).ok());
  for (const auto& result : response.results()) {
    // Whether the line broke before or after they were sent.
    EXPECT_TRUE(result.error().code() == static_cast<int>(grpc::StatusCode::UNAVAILABLE) ||
                result.error().code() == static_cast<int>(grpc::StatusCode::DEADLINE_EXCEEDED));
  }
}

// --- Lists and queues

TEST_F(FrontendTest, ListsJobsPageByPage) {
  Start();
  for (int i = 0; i < 5; ++i) state_.AddJob();
  v1::ListJobsRequest request;
  request.set_page_size(2);
  request.set_filter("state = QUEUED");
  std::vector<std::string> ids;
  do {
    Call call;
    v1::ListJobsResponse response;
    ASSERT_TRUE(jobs_->ListJobs(&call.context, request, &response).ok());
    EXPECT_LE(response.jobs_size(), 2);
    for (const auto& job : response.jobs()) ids.push_back(job.id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(ids.size(), state_.stored().size() + 5);
  EXPECT_TRUE(std::is_sorted(ids.rbegin(), ids.rend()));
  EXPECT_EQ(state_.lists()[0].state(), v1::Job::QUEUED);
}

TEST_F(FrontendTest, BoundsAPageAndRefusesForeignTokens) {
  Start();
  state_.AddJob();
  state_.AddJob();
  v1::ListJobsRequest request;
  v1::ListJobsResponse response;
  request.set_page_size(1);
  Call first;
  ASSERT_TRUE(jobs_->ListJobs(&first.context, request, &response).ok());
  request.set_page_token(response.next_page_token());
  Call foreign;
  foreign.With("x-buzzer-tenant", "other");
  EXPECT_EQ(Reason(jobs_->ListJobs(&foreign.context, request, &response)), "INVALID_PAGE_TOKEN");
  request.set_filter("state = FAILED");
  Call other_filter;
  EXPECT_EQ(Reason(jobs_->ListJobs(&other_filter.context, request, &response)),
            "INVALID_PAGE_TOKEN");
  request.clear_page_token();
  request.set_filter("nonsense");
  Call bad_filter;
  EXPECT_EQ(Reason(jobs_->ListJobs(&bad_filter.context, request, &response)), "INVALID_FILTER");
  request.clear_filter();
  request.set_page_size(-1);
  Call negative;
  EXPECT_EQ(Reason(jobs_->ListJobs(&negative.context, request, &response)), "INVALID_FIELD");
  for (const auto& [asked, got] : {std::pair{0, 50}, {1000, 1000}, {1'000'000, 1000}}) {
    request.set_page_size(asked);
    Call call;
    ASSERT_TRUE(jobs_->ListJobs(&call.context, request, &response).ok());
    EXPECT_EQ(state_.lists().back().page_size(), got);
  }
}

TEST_F(FrontendTest, ServesQueues) {
  Start();
  state_.Announce("scale", "photos");
  state_.Announce("mail", "letters");
  v1::Queue queue;
  v1::GetQueueRequest get;
  get.set_name("queues/photos");
  Call call;
  ASSERT_TRUE(queues_->GetQueue(&call.context, get, &queue).ok());
  EXPECT_EQ(queue.name(), "queues/photos");
  v1::PauseQueueRequest pause;
  pause.set_name("queues/photos");
  Call pausing;
  ASSERT_TRUE(queues_->PauseQueue(&pausing.context, pause, &queue).ok());
  EXPECT_TRUE(queue.paused());
  v1::ResumeQueueRequest resume;
  resume.set_name("queues/photos");
  Call resuming;
  ASSERT_TRUE(queues_->ResumeQueue(&resuming.context, resume, &queue).ok());
  EXPECT_FALSE(queue.paused());
  v1::ListQueuesResponse list;
  Call listing;
  ASSERT_TRUE(queues_->ListQueues(&listing.context, v1::ListQueuesRequest(), &list).ok());
  EXPECT_EQ(list.queues_size(), 2);
  get.set_name("photos");
  Call bad;
  EXPECT_EQ(Reason(queues_->GetQueue(&bad.context, get, &queue)), "INVALID_FIELD");
}

TEST_F(FrontendTest, ForgetsQueuesAndTypes) {
  Start();
  state_.Announce("old", "kept");
  state_.Announce("kept", "old");
  state_.Connect("busy", "busy");
  google::protobuf::Empty nothing;
  const auto forget_queue = [&](const std::string& name, Call& call) {
    v1::DeleteQueueRequest request;
    request.set_name(name);
    return queues_->DeleteQueue(&call.context, request, &nothing);
  };
  const auto forget_type = [&](const std::string& name, Call& call) {
    v1::DeleteTypeRequest request;
    request.set_name(name);
    return queues_->DeleteType(&call.context, request, &nothing);
  };
  Call queue;
  EXPECT_TRUE(forget_queue("queues/old", queue).ok());
  Call busy_queue;
  EXPECT_EQ(Reason(forget_queue("queues/busy", busy_queue)), "QUEUE_IN_USE");
  EXPECT_EQ(busy_queue.Header("x-http-code"), "409");
  Call unknown_queue;
  EXPECT_EQ(Reason(forget_queue("queues/nowhere", unknown_queue)), "QUEUE_NOT_FOUND");
  Call type;
  EXPECT_TRUE(forget_type("types/old", type).ok());
  Call busy_type;
  EXPECT_EQ(Reason(forget_type("types/busy", busy_type)), "TYPE_IN_USE");
  Call unknown_type;
  EXPECT_EQ(Reason(forget_type("types/nowhere", unknown_type)), "TYPE_NOT_FOUND");
  Call no_name;
  EXPECT_EQ(Reason(forget_type("types/Not A Name", no_name)), "TYPE_NOT_FOUND");
  Call no_type;
  EXPECT_EQ(Reason(forget_type("old", no_type)), "INVALID_FIELD");
}

// --- WatchJob

TEST_F(FrontendTest, WatchesAJobFromItsSnapshotToItsEnd) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().cause(), "SNAPSHOT");
  EXPECT_EQ(response.event().job().id(), id.ToString());
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  EXPECT_EQ(NextRevision(*reader), 2);
  state_.Progress(id, 0.5);
  EXPECT_EQ(NextRevision(*reader), 3);
  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().job().state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(NextRevision(*reader), 0);
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(FrontendTest, ResumesAWatchAfterTheRevisionNamed) {
  Start();
  const JobId id = state_.AddJob();
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  state_.Change(id, v1::Job::FAILED, "FAILED");
  Call call;
  const auto reader = Watch(call, id, 1);
  EXPECT_EQ(NextRevision(*reader), 2);
  EXPECT_EQ(NextRevision(*reader), 3);
  EXPECT_TRUE(reader->Finish().ok());
  Call seen;
  const auto nothing = Watch(seen, id, 3);
  EXPECT_EQ(NextRevision(*nothing), 0);
  EXPECT_TRUE(nothing->Finish().ok());
  Call ahead;
  const auto snapshot = Watch(ahead, id, 1000);
  EXPECT_EQ(NextRevision(*snapshot), 3);
}

TEST_F(FrontendTest, EndsAWatchOfAnUnknownJob) {
  Start();
  Call call;
  const auto reader = Watch(call, JobId::Make(absl::FromUnixSeconds(1)));
  EXPECT_EQ(Reason(reader->Finish()), "JOB_NOT_FOUND");
  Call negative;
  EXPECT_EQ(Reason(Watch(negative, state_.AddJob(), -1)->Finish()), "INVALID_FIELD");
}

TEST_F(FrontendTest, KeepsWatchesOpenAcrossARestartOfStateWithoutLossOrRepeat) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  std::vector<int64_t> revisions = {NextRevision(*reader)};
  for (int restart = 0; restart < 3; ++restart) {
    state_.Change(id, v1::Job::RUNNING, "CLAIMED");
    revisions.push_back(NextRevision(*reader));
    state_.Stop();
    state_.Change(id, v1::Job::SCHEDULED, "FAILED");  // While nobody listens.
    state_.Start();
    revisions.push_back(NextRevision(*reader));
  }
  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  while (const int64_t revision = NextRevision(*reader)) revisions.push_back(revision);
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(revisions, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(FrontendTest, TriesAWatchAgainThatAStoreWhichClosesHasEnded) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  EXPECT_EQ(NextRevision(*reader), 1);
  state_.BreakWatches(id, absl::UnavailableError("the store is closing"));
  state_.Change(id, v1::Job::CANCELLED, "CANCELLED");
  EXPECT_EQ(NextRevision(*reader), 2);
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(FrontendTest, StopsAWatchWhenItsClientIsGone) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  auto reader = Watch(call, id);
  EXPECT_EQ(NextRevision(*reader), 1);
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  call.context.TryCancel();
  EXPECT_TRUE(state_.AwaitOpenWatches(0));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(FrontendTest, BringsASlowWatcherEveryStateChangeWithoutAGrowingQueue) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  EXPECT_EQ(NextRevision(*reader), 1);
  // More than the buffer and all of gRPC's windows hold.
  constexpr int kChanges = 600;
  const std::string large(64 << 10, 'x');
  for (int i = 0; i < kChanges; ++i) state_.Change(id, v1::Job::SCHEDULED, "FAILED", large);
  ASSERT_TRUE(state_.AwaitOpenWatches(0)) << "what is not taken is not sent either";
  const int starts = state_.starts();
  state_.Change(id, v1::Job::FAILED, "FAILED");
  for (int64_t revision = 2; revision <= kChanges + 2; ++revision) {
    ASSERT_EQ(NextRevision(*reader), revision);
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_GT(state_.starts(), starts) << "its watch was started anew";
}

TEST_F(FrontendTest, CutsAWatcherOffThatTakesNothing) {
  Start({.write_limit = absl::Milliseconds(100)});
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) state_.Change(id, v1::Job::SCHEDULED, "FAILED", large);
  EXPECT_TRUE(state_.AwaitOpenWatches(0));
  while (NextRevision(*reader) != 0) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

// --- StreamJobEvents

TEST_F(FrontendTest, StreamsServerSentEvents) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = StreamEvents(call, id);
  HttpBody first;
  ASSERT_TRUE(reader->Read(&first));
  EXPECT_EQ(first.content_type(), "text/event-stream");
  EXPECT_THAT(first.data(), StartsWith("retry: 1000\n\nid: 1\ndata: {\"revision\":\"1\""));
  EXPECT_TRUE(absl::EndsWith(first.data(), "}\n\n"));
  EXPECT_EQ(call.Header("x-http-code"), "none");
  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  EXPECT_THAT(NextText(*reader), StartsWith("id: 2\ndata: {"));
  EXPECT_EQ(NextText(*reader), "the end");
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(FrontendTest, BreaksTheSilenceOfAnEventStream) {
  Start({.keep_alive = absl::Milliseconds(20)});
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = StreamEvents(call, id);
  std::string text;
  do {
    text = NextText(*reader);
  } while (!absl::StrContains(text, "id: 1") && text != "the end");
  EXPECT_EQ(NextText(*reader), ": keep-alive\n\n");
  EXPECT_EQ(NextText(*reader), ": keep-alive\n\n");
}

TEST_F(FrontendTest, OpensAResumedEventStreamAtOnce) {
  Start();
  const JobId id = state_.AddJob();
  Call call;
  call.With("last-event-id", "1");
  const auto reader = StreamEvents(call, id);
  EXPECT_EQ(NextText(*reader), "retry: 1000\n\n: keep-alive\n\n");
  state_.Change(id, v1::Job::RUNNING, "CLAIMED");
  EXPECT_THAT(NextText(*reader), StartsWith("id: 2\n"));
}

TEST_F(FrontendTest, AnswersAnEventStreamThatWasSeenToItsEndWith204) {
  Start();
  const JobId id = state_.AddJob();
  state_.Change(id, v1::Job::SUCCEEDED, "SUCCEEDED");
  Call seen;
  seen.With("last-event-id", "2");
  const auto nothing = StreamEvents(seen, id);
  EXPECT_EQ(NextText(*nothing), "the end");
  EXPECT_TRUE(nothing->Finish().ok());
  EXPECT_EQ(seen.Header("x-http-code"), "204");

  Call behind;
  behind.With("last-event-id", "1");
  const auto rest = StreamEvents(behind, id);
  EXPECT_THAT(NextText(*rest), StartsWith("retry:"));
  EXPECT_THAT(NextText(*rest), StartsWith("id: 2\n"));
  EXPECT_TRUE(rest->Finish().ok());
  EXPECT_EQ(behind.Header("x-http-code"), "none");
}

TEST_F(FrontendTest, EndsAnEventStreamInErrorWithoutInitialMetadata) {
  Start();
  Call unknown;
  EXPECT_EQ(Reason(StreamEvents(unknown, JobId::Make(absl::FromUnixSeconds(1)))->Finish()),
            "JOB_NOT_FOUND");
  EXPECT_TRUE(unknown.context.GetServerInitialMetadata().empty());
  Call resumed;
  resumed.With("last-event-id", "5");
  EXPECT_EQ(Reason(StreamEvents(resumed, JobId::Make(absl::FromUnixSeconds(1)))->Finish()),
            "JOB_NOT_FOUND");
  Call bad;
  bad.With("last-event-id", "yesterday");
  const auto status = StreamEvents(bad, state_.AddJob())->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("last-event-id"));
}

// --- Shutdown

TEST_F(FrontendTest, EndsWatchersAtShutdownWithAWordOnHowToGoOn) {
  Start();
  const JobId id = state_.AddJob();
  Call watch, events, wait;
  const auto reader = Watch(watch, id);
  EXPECT_EQ(NextRevision(*reader), 1);
  const auto stream = StreamEvents(events, id);
  EXPECT_THAT(NextText(*stream), HasSubstr("id: 1"));
  auto waited = std::async(std::launch::async, [&] {
    v1::WaitJobRequest request;
    request.set_name(NameOf(id));
    v1::Job job;
    return jobs_->WaitJob(&wait.context, request, &job);
  });
  ASSERT_TRUE(state_.AwaitOpenWatches(3));
  auto shutdown = std::async(std::launch::async, [&] { frontend_->Shutdown(); });

  EXPECT_EQ(NextRevision(*reader), 0);
  const auto status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(status), "SHUTTING_DOWN");
  EXPECT_EQ(ErrorMetadata(status, "revision"), "1");

  EXPECT_THAT(NextText(*stream), StartsWith(": "));
  EXPECT_EQ(NextText(*stream), "the end");
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(waited.get().ok()) << "it is told how the job stands";
  shutdown.get();
}

TEST_F(FrontendTest, ShutsDownUnderAWatcherThatTakesNothing) {
  Start({.shutdown_grace = absl::Milliseconds(50)});
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) state_.Change(id, v1::Job::SCHEDULED, "FAILED", large);
  frontend_->Shutdown();
  while (NextRevision(*reader) != 0) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(FrontendTest, EndsCallsUnderWayWithoutTheirGraceOnceItIsToEndNow) {
  Start({.shutdown_grace = absl::Hours(1)});
  const JobId id = state_.AddJob();
  Call call;
  const auto reader = Watch(call, id);
  ASSERT_TRUE(state_.AwaitOpenWatches(1));
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) state_.Change(id, v1::Job::SCHEDULED, "FAILED", large);
  auto shutdown = std::async(std::launch::async, [&] { frontend_->Shutdown(); });
  frontend_->EndNow();
  shutdown.get();
  while (NextRevision(*reader) != 0) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(FrontendTest, MayBeShutDownTwice) {
  Start();
  frontend_->Shutdown();
  frontend_->Shutdown();
}

// --- What is no valid call

// Calls a method with bytes in place of a message.
grpc::Status CallWithBytes(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                           const std::string& bytes) {
  grpc::GenericStub stub(channel);
  Call call;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&call.context, method, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

grpc::Status StreamWithBytes(const std::shared_ptr<grpc::Channel>& channel,
                             const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  Call call;
  const auto stream = stub.PrepareCall(&call.context, method, &queue);
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  };
  stream->StartCall(nullptr);
  next();
  const grpc::Slice slice(bytes);
  stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  next();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  next();
  return status;
}

TEST_F(FrontendTest, LivesOnAfterMessagesThatAreNone) {
  Start();
  const std::string submit = "/buzzer.v1.JobService/SubmitJob";
  // A text that is not UTF-8.
  const std::string no_text = "\x0a\x02\xff\xfe";
  EXPECT_EQ(Reason(CallWithBytes(channel_, "/buzzer.v1.JobService/GetJob", no_text)),
            "INVALID_REQUEST");
  EXPECT_EQ(Reason(CallWithBytes(channel_, submit, no_text)), "INVALID_REQUEST");
  std::mt19937 random(4711);
  for (int i = 0; i < 300; ++i) {
    std::string bytes(random() % 100, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_FALSE(CallWithBytes(channel_, submit, bytes).ok());
    EXPECT_FALSE(CallWithBytes(channel_, "/buzzer.v1.JobService/BatchSubmitJobs", bytes).ok());
    EXPECT_FALSE(CallWithBytes(channel_, "/buzzer.v1.JobService/GetJob", bytes).ok());
    EXPECT_FALSE(CallWithBytes(channel_, "/buzzer.v1.JobService/WatchJob", bytes).ok());
  }
  Call call;
  v1::Job job;
  EXPECT_TRUE(Submit(call, &job).ok());
}

TEST_F(FrontendTest, RefusesARequestOfManyUnknownFieldsWhateverTheMethod) {
  Start();
  std::string unknown;
  for (int i = 0; i < 1001; ++i) unknown += "\xf8\x3f\x01";  // Number 1023, value 1.
  for (const google::protobuf::ServiceDescriptor* service :
       {v1::Job::descriptor()->file()->pool()->FindServiceByName("buzzer.v1.JobService"),
        v1::Job::descriptor()->file()->pool()->FindServiceByName("buzzer.v1.QueueService")}) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      const std::string path = absl::StrCat("/", service->full_name(), "/", method->name());
      if (method->server_streaming()) {
        const grpc::Status status = StreamWithBytes(channel_, path, unknown);
        EXPECT_EQ(Reason(status), "INVALID_REQUEST") << path << ": " << status.error_message();
      } else {
        const grpc::Status status = CallWithBytes(channel_, path, unknown);
        EXPECT_EQ(Reason(status), "INVALID_REQUEST") << path << ": " << status.error_message();
      }
    }
  }
}

TEST_F(FrontendTest, TakesARequestWithAFewFieldsThatItDoesNotKnow) {
  Start();
  v1::SubmitJobRequest request = Echo();
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(1023, 1);
  Call call;
  v1::Job job;
  EXPECT_TRUE(jobs_->SubmitJob(&call.context, request, &job).ok());
  v1::ListJobsRequest list;
  list.GetReflection()->MutableUnknownFields(&list)->AddVarint(1023, 1);
  Call listing;
  v1::ListJobsResponse page;
  EXPECT_TRUE(jobs_->ListJobs(&listing.context, list, &page).ok());
}

TEST_F(FrontendTest, RefusesAWidePayloadByItsBytes) {
  Start();
  v1::SubmitJobRequest request = Echo();
  for (int i = 0; i < 500'000; ++i) {
    request.mutable_payload()->mutable_list_value()->add_values()->mutable_list_value();
  }
  Call call;
  v1::Job job;
  const auto status = jobs_->SubmitJob(&call.context, request, &job);
  EXPECT_EQ(Reason(status), "TOO_LARGE");
  EXPECT_EQ(call.Header("x-http-code"), "413");
  EXPECT_EQ(status.error_message(), "`payload`: must be at most 1048576 bytes as JSON");

  v1::BatchSubmitJobsRequest batch;
  *batch.add_requests() = Echo();
  *batch.add_requests() = request;
  Call batched;
  v1::BatchSubmitJobsResponse response;
  ASSERT_TRUE(jobs_->BatchSubmitJobs(&batched.context, batch, &response).ok());
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_TRUE(response.results(0).has_job());
  EXPECT_EQ(ErrorReason(FromRpcStatus(response.results(1).error())), "TOO_LARGE");
}

TEST_F(FrontendTest, LivesOnAfterBytesThatAreNoHttp) {
  Start();
  std::mt19937 random(4711);
  for (int i = 0; i < 20; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(frontend_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::string bytes = i % 2 == 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
    for (int n = 0; n < 1000; ++n) bytes.push_back(static_cast<char>(random()));
    (void)send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    close(client);
  }
  Call call;
  v1::Job job;
  EXPECT_TRUE(Submit(call, &job).ok());
}

TEST_F(FrontendTest, LivesOnAfterHostileMetadata) {
  Start();
  for (const std::string& value :
       {std::string(4000, '"'), std::string("\"\\"), std::string("=,;\"wait=1")}) {
    Call call;
    call.With("prefer", value).With("idempotency-key", value).With("last-event-id", value);
    v1::Job job;
    Submit(call, &job);
    Call stream;
    stream.With("last-event-id", value);
    EXPECT_FALSE(StreamEvents(stream, state_.AddJob())->Finish().ok());
  }
  Call call;
  v1::Job job;
  EXPECT_TRUE(Submit(call, &job).ok());
}

}  // namespace
}  // namespace buzzer::frontend
