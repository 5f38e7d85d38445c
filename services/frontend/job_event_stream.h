// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_JOB_EVENT_STREAM_H_
#define SERVICES_FRONTEND_JOB_EVENT_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/grpc/status.h"
#include "common/mutex/mutex.h"
#include "services/frontend/backend.h"
#include "services/frontend/event_buffer.h"
#include "services/frontend/frontend_errors.h"
#include "services/frontend/response_metadata.h"

namespace buzzer::frontend {

// Watch (step 9 of a job's life): one watcher's stream. `Format` says how an event looks
// on it:
//   using Message = ...;
//   static constexpr char kMethod[];
//   static Message Event(const v1::JobEvent&);
//   static std::optional<Message> Greeting();   // sent at once
//   static std::optional<Message> KeepAlive();  // sent every 15 s
//   static std::optional<Message> Goodbye();    // in place of an error at shutdown
//
// The reactor deletes itself when gRPC is done with it; what may outlive it (the watch, the
// alarm) holds the core, which forgets the reactor then.
template <typename Format>
class JobEventStream final : public grpc::ServerWriteReactor<typename Format::Message> {
 public:
  using Message = typename Format::Message;

  static JobEventStream* Open(const Backend& backend, grpc::CallbackServerContext* context) {
    return new JobEventStream(backend, context);
  }

  // Exactly one of the following, once, on any thread.

  // Ends it before it began, with no initial metadata.
  void Refuse(const absl::Status& status) { core_->End(status); }
  // Ends it well and empty: the watcher has seen the job's end.
  void FinishSeen() {
    AddHeader(core_->context, "x-http-code", "204");
    core_->End(absl::OkStatus());
  }
  void Begin(std::string tenant, JobId job, int64_t after_revision) {
    core_->Begin(core_, std::move(tenant), job, after_revision);
  }

 private:
  static constexpr absl::Duration kKeepAlive = absl::Seconds(15);
  // A write that takes longer: the watcher's machine is gone, or it never reads.
  static constexpr absl::Duration kWriteLimit = absl::Seconds(60);

  struct Core final : WatchListener, EndableStream {
    Core(const Backend& the_backend, grpc::CallbackServerContext* the_context,
         JobEventStream* the_reactor)
        : backend(the_backend), context(the_context), reactor(the_reactor) {}

    void Begin(std::shared_ptr<Core> self, std::string the_tenant, JobId the_job,
               int64_t after_revision) {
      {
        MutexLock lock(&mutex);
        tenant = std::move(the_tenant);
        job = the_job;
        told = after_revision;
        extra = Format::Greeting();
        Pump();
      }
      StartWatch(self);
      SetAlarm(std::move(self));
    }

    void StartWatch(const std::shared_ptr<Core>& self) {
      int64_t from = 0;
      {
        MutexLock lock(&mutex);
        if (end.has_value() || finished) return;
        from = told;
      }
      const int64_t id = backend.watches->Watch(tenant, job, from, self);
      bool stale = false;
      {
        MutexLock lock(&mutex);
        watch = id;
        stale = finished;
      }
      if (stale) backend.watches->Unwatch(id);
    }

    void OnEvent(const v1::JobEvent& event) override {
      MutexLock lock(&mutex);
      if (end.has_value() || finished || behind) return;
      if (!buffer.Add(event)) behind = true;  // The alarm, or a write's end, starts anew.
      Pump();
    }

    void OnEnd(const absl::Status& status) override {
      MutexLock lock(&mutex);
      watch = 0;
      if (!end.has_value() && !behind) end = status;
      Pump();
    }

    void EndForShutdown() override {
      MutexLock lock(&mutex);
      buffer.Clear();
      extra = Format::Goodbye();
      end = extra.has_value() ? absl::OkStatus() : ShuttingDown(told);
      Pump();
    }

    void End(const absl::Status& status) {
      MutexLock lock(&mutex);
      buffer.Clear();
      extra.reset();
      end = status;
      Pump();
    }

    // Writes what is next, or ends when there is nothing more.
    void Pump() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      if (writing || finished || reactor == nullptr) return;
      if (extra.has_value()) {
        Write(*std::exchange(extra, std::nullopt));
      } else if (auto event = buffer.Take()) {
        told = event->revision();
        Write(Format::Event(*event));
      } else if (end.has_value()) {
        finished = true;
        reactor->Finish(ToGrpcStatus(*end));
      }
    }

    void Write(Message next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      message = std::move(next);
      writing = true;
      write_began = Clock::Real()->Monotonic();
      reactor->StartWrite(&message);
    }

    void OnWritten(bool ok, const std::shared_ptr<Core>& self) {
      bool start_anew = false;
      int64_t old_watch = 0;
      {
        MutexLock lock(&mutex);
        writing = false;
        if (!ok) {
          buffer.Clear();
          extra.reset();
          if (!end.has_value()) end = absl::CancelledError("the watcher is gone");
        }
        if (behind && buffer.empty() && !end.has_value()) {
          behind = false;
          start_anew = true;
          old_watch = std::exchange(watch, 0);
        }
        Pump();
      }
      if (!start_anew) return;
      if (old_watch != 0) backend.watches->Unwatch(old_watch);
      StartWatch(self);
    }

    void SetAlarm(std::shared_ptr<Core> self) {
      MutexLock lock(&mutex);
      if (finished) return;
      alarm.emplace();
      alarm->Set(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kKeepAlive),
                 [self = std::move(self)](bool ok) mutable {
                   if (ok) self->OnAlarm(self);
                 });
    }

    void OnAlarm(const std::shared_ptr<Core>& self) {
      {
        MutexLock lock(&mutex);
        if (finished || reactor == nullptr) return;
        if (writing && Clock::Real()->Monotonic() - write_began > kWriteLimit) {
          context->TryCancel();
        } else if (!writing && !extra.has_value()) {
          extra = Format::KeepAlive();
          Pump();
        }
      }
      SetAlarm(self);
    }

    // gRPC is done with the reactor. Returns how it ended.
    absl::StatusCode Detach() {
      int64_t old_watch = 0;
      absl::StatusCode code = absl::StatusCode::kCancelled;
      {
        MutexLock lock(&mutex);
        finished = true;
        reactor = nullptr;
        old_watch = std::exchange(watch, 0);
        if (alarm.has_value()) alarm->Cancel();
        if (end.has_value()) code = end->code();
      }
      if (old_watch != 0) backend.watches->Unwatch(old_watch);
      return code;
    }

    const Backend backend;
    grpc::CallbackServerContext* const context;  // Alive as long as the reactor.
    // Constant after Begin.
    std::string tenant;
    JobId job;

    Mutex mutex;
    JobEventStream* reactor ABSL_GUARDED_BY(mutex);
    EventBuffer buffer ABSL_GUARDED_BY(mutex);
    // A message that is no event, to go first.
    std::optional<Message> extra ABSL_GUARDED_BY(mutex);
    // How it ends once everything is written.
    std::optional<absl::Status> end ABSL_GUARDED_BY(mutex);
    // The last revision that was written.
    int64_t told ABSL_GUARDED_BY(mutex) = 0;
    int64_t watch ABSL_GUARDED_BY(mutex) = 0;
    // It read too slowly; what is missing is read again from `told`.
    bool behind ABSL_GUARDED_BY(mutex) = false;
    bool writing ABSL_GUARDED_BY(mutex) = false;
    bool finished ABSL_GUARDED_BY(mutex) = false;
    absl::Duration write_began ABSL_GUARDED_BY(mutex);
    Message message ABSL_GUARDED_BY(mutex);
    std::optional<grpc::Alarm> alarm ABSL_GUARDED_BY(mutex);
  };

  JobEventStream(const Backend& backend, grpc::CallbackServerContext* context)
      : core_(std::make_shared<Core>(backend, context, this)),
        started_(Clock::Real()->Monotonic()) {
    backend.metrics->OnWatchOpened();
    stream_ = backend.streams->Add(core_);
  }

  void OnWriteDone(bool ok) override { core_->OnWritten(ok, core_); }
  void OnCancel() override { core_->End(absl::CancelledError("the watcher is gone")); }

  void OnDone() override {
    const absl::StatusCode code = core_->Detach();
    core_->backend.streams->Remove(stream_);
    core_->backend.metrics->OnWatchClosed();
    core_->backend.metrics->OnRequest(Format::kMethod, code, Clock::Real()->Monotonic() - started_);
    delete this;
  }

  const std::shared_ptr<Core> core_;
  const absl::Duration started_;
  int64_t stream_ = 0;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_JOB_EVENT_STREAM_H_
