// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_STREAM_LINK_H_
#define COMMON_GRPC_STREAM_LINK_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/backoff/backoff.h"
#include "common/grpc/status.h"
#include "common/log/log.h"
#include "common/mutex/mutex.h"

namespace buzzer {

// The client end of a long-lived bidirectional stream that comes back by itself:
// after a break it waits (50 ms doubling to 2 s, full jitter), then opens a new
// one. Sending is pulled: while one message is being written, whatever the owner
// wants to send next gathers at the owner, and goes together (natural batching).
//
// Thread-safe. Callbacks run on gRPC's threads and must not block; `next_request`
// never runs beside itself, nor beside `on_up` or `on_down`; `on_response` never
// runs beside itself, and may run beside `next_request`.
template <typename Request, typename Response>
class StreamLink {
 public:
  using Reactor = grpc::ClientBidiReactor<Request, Response>;

  struct Callbacks {
    // Starts the call on the stub: `stub->async()->Work(context, reactor)`.
    std::function<void(grpc::ClientContext*, Reactor*)> start_call;
    // The server has taken the stream. Requests that got no answer on an earlier
    // stream are to be offered again.
    std::function<void()> on_up;
    // Fills in the next message and returns true, or returns false if there is
    // nothing to send.
    std::function<bool(Request*)> next_request;
    std::function<void(Response&)> on_response;
    // The stream that was up is gone; a new one is on its way.
    std::function<void(const absl::Status&)> on_down;
  };

  // `name` stands in the log lines `stream_up` and `stream_down`.
  StreamLink(std::string name, Callbacks callbacks)
      : name_(std::move(name)), callbacks_(std::move(callbacks)) {}

  ~StreamLink() { Stop(); }

  // Opens the first stream. Call once.
  void Start() {
    MutexLock lock(&mutex_);
    OpenCall();
  }

  // There is something to send: asks `next_request` for it now, or as soon as the
  // stream is up and the write under way is done.
  void Wake() { Pump(); }

  // Whether a stream is up now.
  bool up() {
    MutexLock lock(&mutex_);
    return up_;
  }

  // Ends the stream and returns when no callback runs or will run any more. Not
  // from a callback.
  void Stop() {
    MutexLock lock(&mutex_);
    stopping_ = true;
    if (call_ != nullptr) call_->context.TryCancel();
    if (alarm_pending_) alarm_.Cancel();
    while (call_ != nullptr || alarm_pending_) idle_.Wait(&mutex_);
  }

 private:
  // One stream. gRPC calls its reactions; deleted in OnDone, when nothing of it
  // is under way.
  struct Call final : Reactor {
    explicit Call(StreamLink* owner) : link(owner) {}
    void OnReadInitialMetadataDone(bool ok) override { link->OnOpened(this, ok); }
    void OnReadDone(bool ok) override { link->OnRead(this, ok); }
    void OnWriteDone(bool ok) override { link->OnWritten(this, ok); }
    void OnDone(const grpc::Status& status) override { link->OnClosed(this, status); }

    StreamLink* const link;
    grpc::ClientContext context;
    Request request;
    Response response;
  };

  void OpenCall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    call_ = new Call(this);
    // The channel does the reconnecting; the call waits for it.
    call_->context.set_wait_for_ready(true);
    closing_ = false;
    callbacks_.start_call(&call_->context, call_);
    // Writes start outside reactions, so gRPC must be told to keep the call.
    call_->AddHold();
    call_->StartCall();
  }

  void OnOpened(Call* call, bool ok) {
    if (!ok) {
      BeginClose(call);
      return;
    }
    log::Info("stream_up", {{"stream", name_}});
    callbacks_.on_up();
    {
      MutexLock lock(&mutex_);
      up_ = true;
      up_since_ = std::chrono::steady_clock::now();
    }
    call->StartRead(&call->response);
    Pump();
  }

  void OnRead(Call* call, bool ok) {
    if (!ok) {
      BeginClose(call);
      return;
    }
    callbacks_.on_response(call->response);
    call->response.Clear();
    call->StartRead(&call->response);
  }

  void OnWritten(Call* call, bool ok) {
    bool release = false;
    {
      MutexLock lock(&mutex_);
      writing_ = false;
      release = closing_;
    }
    if (release) {
      call->RemoveHold();
    } else if (ok) {
      Pump();
    }  // Otherwise the read fails next and closes.
  }

  // No writes from now on; gives gRPC leave to end the call.
  void BeginClose(Call* call) {
    {
      MutexLock lock(&mutex_);
      closing_ = true;
      if (writing_) return;  // Whoever writes releases the hold.
    }
    call->RemoveHold();
  }

  void OnClosed(Call* call, const grpc::Status& status) {
    bool was_up = false;
    {
      MutexLock lock(&mutex_);
      was_up = std::exchange(up_, false);
    }
    if (was_up) {
      log::Warning("stream_down", {{"stream", name_}, {"error", status.error_message()}});
      callbacks_.on_down(FromGrpcStatus(status));
    }
    MutexLock lock(&mutex_);
    // Under the lock: Stop may touch it until then; and it goes before Stop returns, since
    // the last owner of a channel must not be a gRPC thread, which would join itself.
    call_ = nullptr;
    delete call;
    if (stopping_) {
      idle_.NotifyAll();
      return;
    }
    // A stream that the peer ends at once, time and again, is no reason to hurry.
    if (was_up && std::chrono::steady_clock::now() - up_since_ > kWorked) backoff_.Reset();
    alarm_pending_ = true;
    alarm_.Set(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(backoff_.Next()),
               [this](bool) {
                 MutexLock alarm_lock(&mutex_);
                 alarm_pending_ = false;
                 if (stopping_) {
                   idle_.NotifyAll();
                 } else {
                   OpenCall();
                 }
               });
  }

  void Pump() {
    Call* call = nullptr;
    {
      MutexLock lock(&mutex_);
      wanted_ = true;
      if (!up_ || closing_ || writing_) return;
      writing_ = true;
      call = call_;
    }
    while (true) {
      {
        MutexLock lock(&mutex_);
        wanted_ = false;
      }
      call->request.Clear();
      const bool filled = callbacks_.next_request(&call->request);
      bool release = false;
      {
        MutexLock lock(&mutex_);
        if (closing_) {
          writing_ = false;
          release = true;
        } else if (filled) {
          call->StartWrite(&call->request);
          return;
        } else if (!wanted_) {
          writing_ = false;
          return;
        }  // Woken meanwhile: ask again.
      }
      if (release) {
        call->RemoveHold();
        return;
      }
    }
  }

  // A stream that lived this long was a good one.
  static constexpr std::chrono::seconds kWorked{1};

  const std::string name_;
  const Callbacks callbacks_;
  Mutex mutex_;
  CondVar idle_;
  Backoff backoff_ ABSL_GUARDED_BY(mutex_){absl::Milliseconds(50), absl::Seconds(2)};
  Call* call_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Owns itself.
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  bool alarm_pending_ ABSL_GUARDED_BY(mutex_) = false;
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point up_since_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer

#endif  // COMMON_GRPC_STREAM_LINK_H_
