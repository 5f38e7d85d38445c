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
#include "services/state/boundary/state_checks.h"

namespace buzzer::testing {
namespace {

constexpr size_t kMaxItemBytes = 4 << 20;

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
      if (absl::Status counts = state::CheckCounts(request); !counts.ok()) {
        return ToGrpcStatus(counts);
      }
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
    return WithJob(*request, [&](FakeJobs& jobs, FakeJobs::Job& job) {
      if (request->full()) {
        *response = jobs.ShowFull(job);
      } else {
        *response->mutable_job() = jobs.Show(job);
      }
      return absl::OkStatus();
    });
  }

  grpc::Status ListJobs(grpc::ServerContext*, const internal::v1::ListJobsRequest* request,
                        internal::v1::ListJobsResponse* response) override {
    {
      MutexLock lock(&state_->mutex_);
      state_->lists_.push_back(*request);
    }
    return With(*request, [&](FakeJobs& jobs) {
      *response = jobs.List(*request);
      return absl::OkStatus();
    });
  }

  grpc::Status GetJobResult(grpc::ServerContext*, const internal::v1::GetJobResultRequest* request,
                            internal::v1::GetJobResultResponse* response) override {
    return WithJob(*request, [&](FakeJobs& jobs, FakeJobs::Job& job) {
      auto result = jobs.ResultOf(job);
      if (!result.ok()) return result.status();
      *response = *std::move(result);
      return absl::OkStatus();
    });
  }

  grpc::Status CancelJob(grpc::ServerContext*, const internal::v1::CancelJobRequest* request,
                         internal::v1::CancelJobResponse* response) override {
    return WithJob(*request, [&](FakeJobs& jobs, FakeJobs::Job& job) {
      absl::Status cancelled = jobs.Cancel(job, request->force());
      *response->mutable_job() = jobs.Show(job);
      return cancelled;
    });
  }

  grpc::Status RetryJob(grpc::ServerContext*, const internal::v1::RetryJobRequest* request,
                        internal::v1::RetryJobResponse* response) override {
    return WithJob(*request, [&](FakeJobs& jobs, FakeJobs::Job& job) {
      absl::Status retried = jobs.Retry(job);
      *response->mutable_job() = jobs.Show(job);
      return retried;
    });
  }

  grpc::Status DeleteJob(grpc::ServerContext*, const internal::v1::DeleteJobRequest* request,
                         internal::v1::DeleteJobResponse*) override {
    return WithJob(*request, [&](FakeJobs& jobs, FakeJobs::Job& job) { return jobs.Delete(job); });
  }

  grpc::Status ReleaseKey(grpc::ServerContext*, const internal::v1::ReleaseKeyRequest* request,
                          internal::v1::ReleaseKeyResponse*) override {
    return With(*request, [&](FakeJobs& jobs) {
      return jobs.ReleaseKey(request->tenant(), request->idempotency_key());
    });
  }

  grpc::Status GetQueue(grpc::ServerContext*, const internal::v1::GetQueueRequest* request,
                        internal::v1::GetQueueResponse* response) override {
    return With(*request, [&](FakeJobs& jobs) {
      auto queue = jobs.GetQueue(request->tenant(), request->queue());
      if (!queue.ok()) return queue.status();
      *response->mutable_queue() = *std::move(queue);
      return absl::OkStatus();
    });
  }

  grpc::Status ListQueues(grpc::ServerContext*, const internal::v1::ListQueuesRequest* request,
                          internal::v1::ListQueuesResponse* response) override {
    return With(*request, [&](FakeJobs& jobs) {
      for (v1::Queue& queue : jobs.ListQueues(request->tenant())) {
        *response->add_queues() = std::move(queue);
      }
      return absl::OkStatus();
    });
  }

  grpc::Status SetQueuePaused(grpc::ServerContext*,
                              const internal::v1::SetQueuePausedRequest* request,
                              internal::v1::SetQueuePausedResponse* response) override {
    return With(*request, [&](FakeJobs& jobs) {
      absl::Status set = jobs.SetPaused(request->queue(), request->paused());
      if (!set.ok()) return set;
      auto queue = jobs.GetQueue(request->tenant(), request->queue());
      if (!queue.ok()) return queue.status();
      *response->mutable_queue() = *std::move(queue);
      return absl::OkStatus();
    });
  }

  grpc::Status DeleteQueue(grpc::ServerContext*, const internal::v1::DeleteQueueRequest* request,
                           internal::v1::DeleteQueueResponse*) override {
    return With(*request, [&](FakeJobs& jobs) { return jobs.DeleteQueue(request->queue()); });
  }

  grpc::Status DeleteType(grpc::ServerContext*, const internal::v1::DeleteTypeRequest* request,
                          internal::v1::DeleteTypeResponse*) override {
    return With(*request, [&](FakeJobs& jobs) { return jobs.DeleteType(request->type()); });
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
        session.watches[start.watch()] = state_->MakeWatch(start);
      }
      for (const int64_t watch : request.stop()) session.watches.erase(watch);
      state_->changed_.NotifyAll();
    }
    MutexLock lock(&state_->mutex_);
    session.closed = true;
    state_->changed_.NotifyAll();
  }

  // Refuses what the real service would not look at either; else answers as `use(jobs)` says.
  template <typename Request, typename Use>
  grpc::Status With(const Request& request, Use use) {
    absl::Status status = state::Check(request);
    if (!status.ok()) return ToGrpcStatus(status);
    MutexLock lock(&state_->mutex_);
    status = use(state_->jobs_);
    state_->changed_.NotifyAll();
    return ToGrpcStatus(status);
  }

  // The same for a call about one job: `use(jobs, job)`.
  template <typename Request, typename Use>
  grpc::Status WithJob(const Request& request, Use use) {
    return With(request, [&](FakeJobs& jobs) {
      const auto job = jobs.FindOwned(request.tenant(), request.id());
      return job.ok() ? use(jobs, **job) : job.status();
    });
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
  jobs_.NameJobs(name);
}

void FakeState::Announce(const std::string& type, const std::string& queue) {
  MutexLock lock(&mutex_);
  jobs_.Announce(type, queue);
}

void FakeState::Connect(const std::string& type, const std::string& queue) {
  MutexLock lock(&mutex_);
  jobs_.Connect(type, queue);
}

void FakeState::Submit(const internal::v1::SubmitRequest& request,
                       internal::v1::SubmitResponse* response) {
  response->set_batch(request.batch());
  for (const internal::v1::NewJob& submitted : request.jobs()) {
    auto* result = response->add_results();
    auto job = SubmitOne(submitted);
    if (job.ok()) {
      *result->mutable_job() = *std::move(job);
    } else {
      *result->mutable_error() = ToRpcStatus(job.status());
    }
  }
  changed_.NotifyAll();
}

absl::StatusOr<v1::Job> FakeState::SubmitOne(const internal::v1::NewJob& submitted) {
  if (!submit_error_.ok()) return submit_error_;
  if (absl::Status checked = state::Check(submitted); !checked.ok()) return checked;
  const bool was_there = jobs_.Find(submitted.id()) != nullptr;
  const auto job = jobs_.Submit(submitted);
  if (!job.ok()) return job.status();
  if (!was_there && (*job)->submitted.id() == submitted.id()) stored_.push_back(submitted);
  return jobs_.Show(**job);
}

JobId FakeState::AddJob() {
  const JobId id = JobId::Make(absl::Now());
  internal::v1::NewJob job;
  job.set_id(std::string(id.bytes()));
  job.set_tenant("default");
  job.set_type("demo.echo");
  job.set_priority(v1::Job::NORMAL);
  MutexLock lock(&mutex_);
  if (!jobs_.Submit(job).ok()) std::abort();
  return id;
}

FakeJobs::Job& FakeState::JobOf(const JobId& id) {
  FakeJobs::Job* const job = jobs_.Find(std::string(id.bytes()));
  if (job == nullptr) std::abort();
  return *job;
}

void FakeState::Change(const JobId& id, v1::Job::State state, const std::string& cause,
                       const std::string& detail) {
  MutexLock lock(&mutex_);
  v1::JobEvent& event = jobs_.AddEvent(JobOf(id), state, cause);
  if (!detail.empty()) event.mutable_error()->set_detail(detail);
  changed_.NotifyAll();
}

void FakeState::Progress(const JobId& id, double fraction) {
  MutexLock lock(&mutex_);
  FakeJobs::Job& job = JobOf(id);
  v1::JobEvent& event = jobs_.AddEvent(job, v1::Job::RUNNING, "PROGRESS");
  event.mutable_progress()->set_fraction(fraction);
  *event.mutable_progress()->mutable_update_time() = event.time();
  *job.job.mutable_progress() = event.progress();
  changed_.NotifyAll();
}

void FakeState::Fail(const JobId& id, v1::JobError error) {
  MutexLock lock(&mutex_);
  FakeJobs::Job& job = JobOf(id);
  error.set_attempt(job.job.attempt());
  *job.job.mutable_error() = error;
  job.job.set_failed_attempts(job.job.failed_attempts() + 1);
  const v1::Job::State next = error.retryable() ? v1::Job::SCHEDULED : v1::Job::FAILED;
  v1::JobEvent& event = jobs_.AddEvent(job, next, "FAILED");
  *event.mutable_error() = std::move(error);
  if (next == v1::Job::SCHEDULED) *job.job.mutable_run_at() = event.time();
  changed_.NotifyAll();
}

void FakeState::SetResult(const JobId& id, const std::string& content_type,
                          const std::string& body) {
  MutexLock lock(&mutex_);
  auto& result = JobOf(id).result;
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

FakeState::Watch FakeState::MakeWatch(const internal::v1::WatchRequest::Start& start) {
  Watch watch;
  watch.tenant = start.tenant();
  watch.job = start.job_id();
  watch.after = start.after_revision();
  watch.broken = state::Check(start);
  const FakeJobs::Job* const job = jobs_.Find(watch.job);
  watch.snapshot = watch.after == 0 || (job != nullptr && watch.after > job->job.revision());
  return watch;
}

bool FakeState::FillWatch(Session& session, internal::v1::WatchResponse* response) {
  for (auto it = session.watches.begin(); it != session.watches.end();) {
    auto& [number, watch] = *it;
    internal::v1::WatchResponse::Item item;
    item.set_watch(number);
    FillItem(watch, &item);
    const bool ends = item.has_end();
    if (ends || item.events_size() > 0) *response->add_items() = std::move(item);
    it = ends ? session.watches.erase(it) : std::next(it);
  }
  if (response->items_size() > 0) changed_.NotifyAll();
  return response->items_size() > 0;
}

void FakeState::FillItem(Watch& watch, internal::v1::WatchResponse::Item* item) {
  if (!watch.broken.ok()) {
    *item->mutable_end() = ToRpcStatus(watch.broken);
    return;
  }
  const auto found = jobs_.FindOwned(watch.tenant, watch.job);
  if (!found.ok()) {
    *item->mutable_end() = ToRpcStatus(found.status());
    return;
  }
  const FakeJobs::Job& job = **found;
  const int64_t newest = job.job.revision();
  const bool has_ended = IsTerminal(job.job.state());
  if (std::exchange(watch.snapshot, false)) {
    *item->add_events() = jobs_.Snapshot(job);
    watch.after = newest;
  }
  for (const v1::JobEvent& event : job.events) {
    if (event.revision() <= watch.after) continue;
    if (item->ByteSizeLong() > kMaxItemBytes) break;
    v1::JobEvent* const told = item->add_events();
    *told = event;
    if (has_ended && event.revision() == newest) *told->mutable_job() = jobs_.Show(job);
    watch.after = event.revision();
  }
  if (has_ended && watch.after == newest) *item->mutable_end() = ToRpcStatus(absl::OkStatus());
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
