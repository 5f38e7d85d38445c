// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_JOB_EVENT_STREAM_H_
#define SERVICES_FRONTEND_RPC_JOB_EVENT_STREAM_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "common/grpc/status.h"
#include "common/mutex/mutex.h"
#include "services/frontend/call_errors.h"
#include "services/frontend/event_buffer.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/parts.h"
#include "services/frontend/rpc/watch_log.h"

namespace buzzer::frontend {

// One open watch of one client, whatever its messages look like: brings what the watch
// line tells to the client at the client's own pace, and ends well when the job does, the
// client goes, the server shuts down, or a message is not taken for a minute. Keeps
// itself until gRPC is done with it. Thread-safe: one thread at a time has the turn to
// write or finish (`writing_`, `finished_`), so there is never a second write under way,
// and Finish is called once.
template <typename Message>
class JobEventStream : public grpc::ServerWriteReactor<Message>,
                       public Watcher,
                       public DrainList::Member,
                       public std::enable_shared_from_this<JobEventStream<Message>> {
 public:
  // Begins to stream the changes after `after_revision`, or ends with the error. Call
  // once, first.
  void Open(const absl::StatusOr<JobTarget>& target, int64_t after_revision) {
    self_ = this->shared_from_this();
    parts_.metrics->OnWatchOpened();
    if (!parts_.drains->Add(self_)) {
      End(ShuttingDown(after_revision));
    } else if (!target.ok()) {
      End(target.status());
    } else if (!parts_.watches->up()) {
      End(StateUnavailable("the state service cannot be reached"));
    } else {
      {
        MutexLock lock(&mutex_);
        target_ = *target;
        events_ = EventBuffer(after_revision);
      }
      if (KeepsAlive()) SetTimer(parts_.timing.keep_alive);
      Begin(*target, after_revision);
    }
  }

 protected:
  JobEventStream(grpc::CallbackServerContext* context, const Parts& parts, Method method)
      : context_(context), parts_(parts), method_(method) {}

  // Does what must come before the watch, then calls StartWatch or End.
  virtual void Begin(const JobTarget&, int64_t) { StartWatch(); }

  // What the messages are. These have the turn: they never run beside each other, and
  // may use the context.
  virtual absl::Status EncodeEvent(v1::JobEvent event, Message* message) = 0;
  // Whether silence is broken by messages.
  virtual bool KeepsAlive() const { return false; }
  virtual void EncodeKeepAlive(Message*) {}
  // The last message of a stream that a shutdown ends; false if there is none.
  virtual bool EncodeFarewell(Message*) { return false; }
  // How a stream ends that a shutdown ends.
  virtual absl::Status DrainedStatus(int64_t last_revision) { return ShuttingDown(last_revision); }
  // Nothing was finished yet, but is next.
  virtual void BeforeFinish() {}

  // The stream ends so, once what is buffered was sent. The first end counts.
  void End(const absl::Status& status) {
    {
      MutexLock lock(&mutex_);
      if (!end_.has_value()) end_ = status;
    }
    Pump();
  }

  // Sends a keep-alive now: the client learns that the stream is open.
  void BreakSilence() {
    {
      MutexLock lock(&mutex_);
      keep_alive_is_due_ = true;
    }
    Pump();
  }

  // Starts the watch, or starts it anew, after the last revision sent.
  void StartWatch() {
    JobTarget target;
    int64_t after = 0;
    {
      MutexLock lock(&mutex_);
      starting_ = true;
      target = target_;
      after = events_.last_taken();
    }
    const int64_t watch = parts_.watches->Start(target.tenant, target.id, after, self());
    bool stop = false;
    {
      MutexLock lock(&mutex_);
      starting_ = false;
      stop = finished_ || events_.missed();
      // It may have ended already; to stop it once more does no harm.
      if (!stop) watch_ = watch;
      if (watch == 0 && !end_.has_value()) {
        end_ = StateUnavailable("this server has too many open watches");
      }
    }
    if (stop) parts_.watches->Stop(watch);
    Pump();
  }

  grpc::CallbackServerContext* context() const { return context_; }
  const Parts& parts() const { return parts_; }
  std::shared_ptr<JobEventStream> self() { return this->shared_from_this(); }

 private:
  enum class Step { kNothing, kWrite, kFinish, kRestart };

  // Takes the turn if it is free, and does what is next.
  void Pump() {
    Step step = Step::kNothing;
    absl::Status status;
    JobTarget restarted;
    {
      MutexLock lock(&mutex_);
      if (writing_ || finished_ || starting_) return;
      message_.Clear();
      step = NextStep(&status);
      if (step == Step::kWrite) {
        writing_ = true;
        last_write_ = parts_.clock->Monotonic();
      } else if (step == Step::kFinish) {
        finished_ = true;
      } else if (step == Step::kRestart) {
        starting_ = true;
        events_.Restarted();
        restarted = target_;
      }
    }
    switch (step) {
      case Step::kNothing:
        break;
      case Step::kWrite:
        SetTimer(parts_.timing.write_limit);
        this->StartWrite(&message_);
        break;
      case Step::kFinish:
        FinishNow(status);
        break;
      case Step::kRestart:
        LogSlowWatcher("watch_restarted", restarted);
        StartWatch();
        break;
    }
  }

  Step NextStep(absl::Status* status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (gone_) {
      *status = absl::CancelledError("the client is gone");
      return Step::kFinish;
    }
    if (draining_ && !end_.has_value()) {
      if (!std::exchange(said_farewell_, true) && EncodeFarewell(&message_)) return Step::kWrite;
      end_ = DrainedStatus(events_.last_taken());
      events_ = EventBuffer(events_.last_taken());
    }
    if (auto event = events_.Take(); event.has_value()) {
      *status = EncodeEvent(*std::move(event), &message_);
      return status->ok() ? Step::kWrite : Step::kFinish;
    }
    if (end_.has_value()) {
      *status = *end_;
      return Step::kFinish;
    }
    if (events_.missed()) return Step::kRestart;
    if (std::exchange(keep_alive_is_due_, false)) {
      EncodeKeepAlive(&message_);
      return Step::kWrite;
    }
    return Step::kNothing;
  }

  void FinishNow(const absl::Status& status) {
    BeforeFinish();
    parts_.metrics->OnStreamDone(method_, status.code());
    this->Finish(ToGrpcStatus(status));
  }

  void OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                const std::optional<absl::Status>& end) override {
    int64_t to_stop = 0;
    {
      MutexLock lock(&mutex_);
      events_.Push(events);
      if (events_.missed() || end.has_value()) to_stop = std::exchange(watch_, 0);
      // After a gap the next watch brings the end again.
      if (end.has_value() && !events_.missed() && !end_.has_value()) end_ = *end;
    }
    // The client is slow: state need not send what is dropped here.
    if (to_stop != 0 && !end.has_value()) parts_.watches->Stop(to_stop);
    Pump();
  }

  void OnDrain() override {
    {
      MutexLock lock(&mutex_);
      draining_ = true;
    }
    Pump();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) gone_ = true;
    }
    Pump();
  }

  void OnCancel() override {
    {
      MutexLock lock(&mutex_);
      gone_ = true;
    }
    Pump();
  }

  void OnDone() override {
    int64_t watch = 0;
    std::optional<Timers::Id> timer;
    {
      MutexLock lock(&mutex_);
      done_ = true;
      watch = std::exchange(watch_, 0);
      timer = std::exchange(timer_, std::nullopt);
    }
    parts_.watches->Stop(watch);
    if (timer.has_value()) parts_.timers->Cancel(*timer);
    parts_.drains->Remove(this);
    parts_.metrics->OnWatchClosed();
    const std::shared_ptr<JobEventStream> self = std::move(self_);
  }

  // One timer serves both limits; it is set while there is something to look at.
  void SetTimer(absl::Duration delay) {
    MutexLock lock(&mutex_);
    if (timer_.has_value() || done_) return;
    timer_ = parts_.timers->After(delay, [weak = this->weak_from_this()] {
      if (const auto stream = weak.lock(); stream != nullptr) stream->OnTimer();
    });
  }

  void OnTimer() {
    absl::Duration next = absl::InfiniteDuration();
    {
      MutexLock lock(&mutex_);
      timer_ = std::nullopt;
      if (done_ || finished_) return;
      const absl::Duration now = parts_.clock->Monotonic();
      if (writing_) {
        const absl::Duration left = last_write_ + parts_.timing.write_limit - now;
        if (left <= absl::ZeroDuration()) {
          LogSlowWatcher("slow_watcher_cut_off", target_);
          context_->TryCancel();  // The write fails, and that ends the stream.
          return;
        }
        next = left;
      }
      if (KeepsAlive()) {
        absl::Duration left = last_write_ + parts_.timing.keep_alive - now;
        if (!writing_ && left <= absl::ZeroDuration()) {
          keep_alive_is_due_ = true;
          left = parts_.timing.keep_alive;
        }
        // While a write is under way it only keeps the timer near.
        next = std::min(next, left > absl::ZeroDuration() ? left : parts_.timing.keep_alive);
      }
    }
    if (next != absl::InfiniteDuration()) SetTimer(next);
    Pump();
  }

  grpc::CallbackServerContext* const context_;  // gRPC's, until OnDone.
  const Parts& parts_;                          // The service's, which outlives its calls.
  const Method method_;
  std::shared_ptr<JobEventStream> self_;  // Until OnDone.
  Message message_;                       // In flight while `writing_`.
  Mutex mutex_;
  JobTarget target_ ABSL_GUARDED_BY(mutex_);
  EventBuffer events_ ABSL_GUARDED_BY(mutex_){0};
  // How to end once the events are sent.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  int64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Timers::Id> timer_ ABSL_GUARDED_BY(mutex_);
  // Start of the newest write, on the monotonic clock.
  absl::Duration last_write_ ABSL_GUARDED_BY(mutex_) = parts_.clock->Monotonic();
  bool starting_ ABSL_GUARDED_BY(mutex_) = false;  // A watch, whose number is not known yet.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool said_farewell_ ABSL_GUARDED_BY(mutex_) = false;
  bool keep_alive_is_due_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_JOB_EVENT_STREAM_H_
