// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_state.h"

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/grpc/status.h"
#include "common/job_state/job_state.h"

namespace buzzer::testing {
namespace {

constexpr size_t kMaxItemBytes = 4 << 20;

absl::Status NoSuchJob() {
  return ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "there is no such job").Build();
}

}  // namespace

// The calls, on threads of their own: a fake may block.
class FakeState::Service final : public internal::v1::StateService::Service {
 public:
  explicit Service(FakeState* state) : state_(state) {}

  grpc::Status Submit(grpc::ServerContext*,
                      grpc::ServerReaderWriter<internal::v1::SubmitResponse,
                                               internal::v1::SubmitRequest>* stream) override {
    stream->SendInitialMetadata();
    internal::v1::SubmitRequest request;
    while (stream->Read(&request)) {
      internal::v1::SubmitResponse response;
      {
        MutexLock lock(&state_->mutex_);
        state_->Submit(request, &response);
        if (state_->answers_to_lose_ > 0) {
          --state_->answers_to_lose_;
          return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the answer is lost");
        }
        if (state_->holds_answers_) continue;
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext*,
                     grpc::ServerReaderWriter<internal::v1::WatchResponse,
                                              internal::v1::WatchRequest>* stream) override {
    auto session = std::make_shared<Session>();
    {
      MutexLock lock(&state_->mutex_);
      state_->sessions_.push_back(session);
    }
    stream->SendInitialMetadata();
    std::thread reader([&] { ReadWatches(*stream, *session); });
    while (true) {
      internal::v1::WatchResponse response;
      {
        MutexLock lock(&state_->mutex_);
        while (!session->closed && !state_->stopping_ && !state_->FillWatch(*session, &response)) {
          state_->changed_.Wait(&state_->mutex_);
        }
        if (session->closed || state_->stopping_) break;
      }
      stream->Write(response);
    }
    reader.join();
    MutexLock lock(&state_->mutex_);
    std::erase(state_->sessions_, session);
    return grpc::Status::OK;
  }

  grpc::Status GetJob(grpc::ServerContext*, const internal::v1::GetJobRequest* request,
                      internal::v1::GetJobResponse* response) override {
    return WithJob(request->id(), [&](Job& job) {
      *response->mutable_job() = job.job;
      if (!request->full()) return absl::OkStatus();
      for (const v1::JobEvent& event : job.events) {
        *response->mutable_job()->add_history() = event;
      }
      response->set_payload(job.submitted.payload());
      response->set_payload_is_json(job.submitted.payload_is_json());
      return absl::OkStatus();
    });
  }

  grpc::Status ListJobs(grpc::ServerContext*, const internal::v1::ListJobsRequest* request,
                        internal::v1::ListJobsResponse* response) override {
    MutexLock lock(&state_->mutex_);
    state_->lists_.push_back(*request);
    for (auto it = state_->jobs_.rbegin(); it != state_->jobs_.rend(); ++it) {
      if (!request->before_id().empty() && it->first >= request->before_id()) continue;
      if (response->jobs_size() == request->page_size()) {
        response->set_next_before_id(
            std::string(JobId::Parse(response->jobs(response->jobs_size() - 1).id())->bytes()));
        break;
      }
      *response->add_jobs() = it->second.job;
    }
    return grpc::Status::OK;
  }

  grpc::Status GetJobResult(grpc::ServerContext*, const internal::v1::GetJobResultRequest* request,
                            internal::v1::GetJobResultResponse* response) override {
    return WithJob(request->id(), [&](Job& job) {
      if (job.result.has_value()) {
        *response = *job.result;
        return absl::OkStatus();
      }
      return ErrorBuilder(absl::StatusCode::kNotFound, "RESULT_NOT_READY", "not yet")
          .RetryAfter(absl::Seconds(1))
          .Build();
    });
  }

  grpc::Status CancelJob(grpc::ServerContext*, const internal::v1::CancelJobRequest* request,
                         internal::v1::CancelJobResponse* response) override {
    return WithJob(request->id(), [&](Job& job) {
      if (job.job.state() == v1::Job::SUCCEEDED) {
        return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_FINISHED", "too late")
            .Build();
      }
      const bool waits = job.job.state() == v1::Job::RUNNING && !request->force();
      job.job.set_state(waits ? v1::Job::CANCELLING : v1::Job::CANCELLED);
      *response->mutable_job() = job.job;
      return absl::OkStatus();
    });
  }

  grpc::Status RetryJob(grpc::ServerContext*, const internal::v1::RetryJobRequest* request,
                        internal::v1::RetryJobResponse* response) override {
    return WithJob(request->id(), [&](Job& job) {
      *response->mutable_job() = job.job;
      return absl::OkStatus();
    });
  }

  grpc::Status DeleteJob(grpc::ServerContext*, const internal::v1::DeleteJobRequest* request,
                         internal::v1::DeleteJobResponse*) override {
    return WithJob(request->id(), [&](Job& job) {
      if (IsTerminal(job.job.state())) return absl::OkStatus();
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED", "cancel it")
          .Build();
    });
  }

  grpc::Status ReleaseKey(grpc::ServerContext*, const internal::v1::ReleaseKeyRequest* request,
                          internal::v1::ReleaseKeyResponse*) override {
    MutexLock lock(&state_->mutex_);
    const auto it = state_->keys_.find(request->idempotency_key());
    if (it == state_->keys_.end()) {
      return ToGrpcStatus(
          ErrorBuilder(absl::StatusCode::kNotFound, "KEY_NOT_FOUND", "no such key").Build());
    }
    if (!IsTerminal(state_->jobs_[it->second].job.state())) {
      return ToGrpcStatus(
          ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED", "cancel it")
              .Build());
    }
    state_->keys_.erase(it);
    return grpc::Status::OK;
  }

  grpc::Status GetQueue(grpc::ServerContext*, const internal::v1::GetQueueRequest* request,
                        internal::v1::GetQueueResponse* response) override {
    MutexLock lock(&state_->mutex_);
    response->mutable_queue()->set_name(absl::StrCat("queues/", request->queue()));
    response->mutable_queue()->set_paused(state_->paused_[request->queue()]);
    return grpc::Status::OK;
  }

  grpc::Status ListQueues(grpc::ServerContext*, const internal::v1::ListQueuesRequest*,
                          internal::v1::ListQueuesResponse* response) override {
    response->add_queues()->set_name("queues/a");
    response->add_queues()->set_name("queues/b");
    return grpc::Status::OK;
  }

  // Queue and type `busy` are in use, `nowhere` is unknown.
  grpc::Status DeleteQueue(grpc::ServerContext*, const internal::v1::DeleteQueueRequest* request,
                           internal::v1::DeleteQueueResponse*) override {
    return Forget(request->queue(), "QUEUE");
  }

  grpc::Status DeleteType(grpc::ServerContext*, const internal::v1::DeleteTypeRequest* request,
                          internal::v1::DeleteTypeResponse*) override {
    return Forget(request->type(), "TYPE");
  }

  grpc::Status SetQueuePaused(grpc::ServerContext*,
                              const internal::v1::SetQueuePausedRequest* request,
                              internal::v1::SetQueuePausedResponse* response) override {
    MutexLock lock(&state_->mutex_);
    state_->paused_[request->queue()] = request->paused();
    response->mutable_queue()->set_name(absl::StrCat("queues/", request->queue()));
    response->mutable_queue()->set_paused(request->paused());
    return grpc::Status::OK;
  }

 private:
  void ReadWatches(
      grpc::ServerReaderWriter<internal::v1::WatchResponse, internal::v1::WatchRequest>& stream,
      Session& session) {
    internal::v1::WatchRequest request;
    while (stream.Read(&request)) {
      MutexLock lock(&state_->mutex_);
      for (const auto& start : request.start()) {
        ++state_->starts_;
        FakeState::Watch& watch = session.watches[start.watch()];
        watch.job = start.job_id();
        watch.after = start.after_revision();
        const auto it = state_->jobs_.find(watch.job);
        watch.snapshot = watch.after == 0 ||
                         (it != state_->jobs_.end() && watch.after > it->second.job.revision());
      }
      for (const int64_t watch : request.stop()) session.watches.erase(watch);
      state_->changed_.NotifyAll();
    }
    MutexLock lock(&state_->mutex_);
    session.closed = true;
    state_->changed_.NotifyAll();
  }

  static grpc::Status Forget(const std::string& name, const std::string& what) {
    if (name == "busy") {
      return ToGrpcStatus(ErrorBuilder(absl::StatusCode::kFailedPrecondition,
                                       absl::StrCat(what, "_IN_USE"), "a worker serves it")
                              .Build());
    }
    if (name == "nowhere") {
      return ToGrpcStatus(ErrorBuilder(absl::StatusCode::kNotFound,
                                       absl::StrCat(what, "_NOT_FOUND"), "there is none")
                              .Build());
    }
    return grpc::Status::OK;
  }

  template <typename Use>
  grpc::Status WithJob(const std::string& id, Use use) {
    MutexLock lock(&state_->mutex_);
    const auto it = state_->jobs_.find(id);
    return ToGrpcStatus(it == state_->jobs_.end() ? NoSuchJob() : use(it->second));
  }

  FakeState* const state_;
};

FakeState::FakeState() : service_(std::make_unique<Service>(this)) { Start(); }

FakeState::~FakeState() { Stop(); }

std::string FakeState::address() const { return absl::StrCat("127.0.0.1:", port_); }

void FakeState::Start() {
  {
    MutexLock lock(&mutex_);
    stopping_ = false;
    holds_answers_ = false;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                           &port_);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterService(service_.get());
  // A shutdown may wait for this long: 10 s unless set.
  builder.SetSyncServerOption(grpc::ServerBuilder::CQ_TIMEOUT_MSEC, 20);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) std::abort();
}

void FakeState::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

void FakeState::LoseAnswers(int batches) {
  MutexLock lock(&mutex_);
  answers_to_lose_ = batches;
}

void FakeState::HoldAnswers() {
  MutexLock lock(&mutex_);
  holds_answers_ = true;
}

void FakeState::RefuseSubmits(const absl::Status& error) {
  MutexLock lock(&mutex_);
  submit_error_ = error;
}

void FakeState::NameJobs(const std::string& name) {
  MutexLock lock(&mutex_);
  job_name_ = name;
}

void FakeState::Submit(const internal::v1::SubmitRequest& request,
                       internal::v1::SubmitResponse* response) {
  response->set_batch(request.batch());
  for (const internal::v1::NewJob& submitted : request.jobs()) {
    auto* result = response->add_results();
    if (!submit_error_.ok()) {
      *result->mutable_error() = ToRpcStatus(submit_error_);
      continue;
    }
    auto [it, is_new] = jobs_.try_emplace(submitted.id());
    if (const std::string& key = submitted.idempotency_key(); is_new && !key.empty()) {
      const auto [owner, key_is_new] = keys_.try_emplace(key, submitted.id());
      if (!key_is_new) {
        jobs_.erase(it);
        it = jobs_.find(owner->second);
        is_new = false;
      }
    }
    Job& job = it->second;
    if (is_new) {
      const JobId id = *JobId::FromBytes(submitted.id());
      job.submitted = submitted;
      job.job.set_id(id.ToString());
      job.job.set_name(job_name_.empty() ? absl::StrCat("jobs/", id.ToString()) : job_name_);
      job.job.set_type(submitted.type());
      stored_.push_back(submitted);
      AddEvent(id, v1::Job::QUEUED, "SUBMITTED");
    }
    *result->mutable_job() = job.job;
  }
  changed_.NotifyAll();
}

JobId FakeState::AddJob() {
  const JobId id = JobId::Make(absl::Now());
  MutexLock lock(&mutex_);
  Job& job = jobs_[std::string(id.bytes())];
  job.job.set_id(id.ToString());
  job.job.set_name(absl::StrCat("jobs/", id.ToString()));
  AddEvent(id, v1::Job::QUEUED, "SUBMITTED");
  return id;
}

v1::JobEvent& FakeState::AddEvent(const JobId& id, v1::Job::State state, const std::string& cause) {
  Job& job = jobs_[std::string(id.bytes())];
  job.job.set_revision(job.job.revision() + 1);
  job.job.set_state(state);
  if (!job.events.empty() && job.events.back().cause() == "PROGRESS") job.events.pop_back();
  v1::JobEvent& event = job.events.emplace_back();
  event.set_revision(job.job.revision());
  event.set_state(state);
  event.set_cause(cause);
  if (IsTerminal(state)) *event.mutable_job() = job.job;
  changed_.NotifyAll();
  return event;
}

void FakeState::Change(const JobId& id, v1::Job::State state, const std::string& cause,
                       const std::string& detail) {
  MutexLock lock(&mutex_);
  v1::JobEvent& event = AddEvent(id, state, cause);
  if (!detail.empty()) event.mutable_error()->set_detail(detail);
}

void FakeState::Progress(const JobId& id, double fraction) {
  MutexLock lock(&mutex_);
  AddEvent(id, v1::Job::RUNNING, "PROGRESS").mutable_progress()->set_fraction(fraction);
}

void FakeState::SetResult(const JobId& id, const std::string& content_type,
                          const std::string& body) {
  MutexLock lock(&mutex_);
  auto& result = jobs_[std::string(id.bytes())].result.emplace();
  result.set_content_type(content_type);
  result.set_body(body);
}

void FakeState::BreakWatches(const JobId& id, const absl::Status& error) {
  MutexLock lock(&mutex_);
  for (const auto& session : sessions_) {
    for (auto& [number, watch] : session->watches) {
      if (watch.job == id.bytes()) watch.broken = error;
    }
  }
  changed_.NotifyAll();
}

bool FakeState::FillWatch(Session& session, internal::v1::WatchResponse* response) {
  for (auto it = session.watches.begin(); it != session.watches.end();) {
    auto& [number, watch] = *it;
    internal::v1::WatchResponse::Item item;
    item.set_watch(number);
    const auto job = jobs_.find(watch.job);
    if (!watch.broken.ok()) {
      *item.mutable_end() = ToRpcStatus(watch.broken);
    } else if (job == jobs_.end()) {
      *item.mutable_end() = ToRpcStatus(NoSuchJob());
    } else {
      const Job& found = job->second;
      if (std::exchange(watch.snapshot, false)) {
        auto* event = item.add_events();
        event->set_revision(found.job.revision());
        event->set_state(found.job.state());
        event->set_cause("SNAPSHOT");
        *event->mutable_job() = found.job;
        watch.after = found.job.revision();
      }
      for (const v1::JobEvent& event : found.events) {
        if (event.revision() <= watch.after) continue;
        if (item.ByteSizeLong() > kMaxItemBytes) break;
        *item.add_events() = event;
        watch.after = event.revision();
      }
      if (IsTerminal(found.job.state()) && watch.after == found.job.revision())
        *item.mutable_end() = ToRpcStatus(absl::OkStatus());
    }
    const bool ends = item.has_end();
    if (ends || item.events_size() > 0) *response->add_items() = std::move(item);
    it = ends ? session.watches.erase(it) : std::next(it);
  }
  if (response->items_size() > 0) changed_.NotifyAll();
  return response->items_size() > 0;
}

std::vector<internal::v1::NewJob> FakeState::stored() const {
  MutexLock lock(&mutex_);
  return stored_;
}

std::vector<internal::v1::ListJobsRequest> FakeState::lists() const {
  MutexLock lock(&mutex_);
  return lists_;
}

int FakeState::starts() const {
  MutexLock lock(&mutex_);
  return starts_;
}

template <typename Condition>
bool FakeState::Await(Condition condition) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  MutexLock lock(&mutex_);
  while (!condition()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    changed_.WaitFor(&mutex_, left);
  }
  return true;
}

bool FakeState::AwaitOpenWatches(size_t count) const {
  return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    size_t open = 0;
    for (const auto& session : sessions_) open += session->watches.size();
    return open == count;
  });
}

bool FakeState::AwaitStarts(int count) const {
  return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return starts_ >= count; });
}

bool FakeState::AwaitStored(size_t count) const {
  return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stored_.size() >= count; });
}

}  // namespace buzzer::testing
