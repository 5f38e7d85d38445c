// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_SERVER_STREAM_H_
#define SERVICES_STATE_RPC_SERVER_STREAM_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/grpc/raw_messages.h"
#include "common/grpc/status.h"
#include "common/mutex/mutex.h"
#include "services/state/rpc/refusal_log.h"

namespace buzzer::state {

// What one long-lived stream does. Called on gRPC's threads; must not block.
template <typename Request, typename Response>
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // Never beside itself.
  virtual void OnRequest(Request& request) = 0;
  // Whether the next request may be read. If not, it is asked again after each message that was
  // written, and whenever the stream is woken: a client that asks and never reads is not read
  // either. Called under a lock of the stream's: must not wake it.
  virtual bool TakesRequests() { return true; }
  // Fills in the next message and returns true, or false if there is nothing to send.
  // Never beside itself; may run beside OnRequest.
  virtual bool NextResponse(Response* response) = 0;
  // The stream is gone; nothing is called any more.
  virtual void OnClosed() = 0;
};

// A stream from outside. Keep a copy wherever something may become ready to send; on a
// stream that is gone nothing happens. Thread-safe.
class StreamWaker {
 public:
  virtual ~StreamWaker() = default;
  // Asks the handler for its next message.
  virtual void Wake() = 0;
  // Ends the stream: with OK the client opens a new one, else it did something wrong. The first
  // status counts.
  virtual void Close(const absl::Status& status) = 0;
};

// The server end of a bidirectional stream whose sending is pulled, as StreamLink's is:
// what becomes ready while a message is being written goes together in the next. Made
// for a call by Accept, and deletes itself in OnDone, as gRPC's reactors do.
template <typename Request, typename Response>
class ServerStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  using Handler = StreamHandler<Request, Response>;

  // `make_handler` gets the stream's waker. The client learns at once that it is taken. A request
  // of more than `max_parts` (see WireParts) ends the stream.
  template <typename MakeHandler>
  static ServerStream* Accept(const grpc::CallbackServerContext& context, int64_t max_parts,
                              MakeHandler make_handler) {
    auto* stream = new ServerStream(context.peer(), max_parts);
    stream->core_->handler = make_handler(std::shared_ptr<StreamWaker>(stream->core_));
    stream->StartSendInitialMetadata();
    stream->Read();
    return stream;
  }

 private:
  // Outlives the reactor for as long as wakers do.
  struct Core final : StreamWaker {
    Core(ServerStream* stream, std::string from) : reactor(stream), peer(std::move(from)) {}

    void Wake() override {
      {
        MutexLock lock(&mutex);
        wanted = true;
        if (closing || writing) return;
        writing = true;
      }
      Pump();
    }

    void Close(const absl::Status& why) override {
      bool finishes = false;
      {
        MutexLock lock(&mutex);
        if (closing) return;
        closing = true;
        end = ToGrpcStatus(why);
        finishes = !writing;  // Else who writes does.
      }
      if (!why.ok()) LogRefusal("stream_refused", peer, Request::descriptor()->name(), why);
      if (finishes) reactor->Finish(End());
    }

    // Only once it is closing, from when on it stays.
    grpc::Status End() {
      MutexLock lock(&mutex);
      return end;
    }

    // After OnRequest: reads on, or later.
    void ReadOn() {
      {
        MutexLock lock(&mutex);
        if (closing) return;
        paused = !handler->TakesRequests();
        if (paused) return;
      }
      reactor->Read();
    }

    // Whether the read that waits for TakesRequests is to be started now.
    bool TakeRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      if (!paused || closing || !handler->TakesRequests()) return false;
      paused = false;
      return true;
    }

    // Only by who set `writing`, which keeps the reactor from finishing.
    void Pump() {
      while (true) {
        {
          MutexLock lock(&mutex);
          wanted = false;
        }
        response.Clear();
        const bool filled = handler->NextResponse(&response);
        const grpc::Status written = filled ? WriteMessage(response, &bytes) : grpc::Status();
        if (!written.ok()) Close(FromGrpcStatus(written));
        bool finish = false;
        {
          MutexLock lock(&mutex);
          if (TakeRead()) reactor->Read();
          if (closing) {
            writing = false;
            finish = true;
          } else if (filled) {
            reactor->StartWrite(&bytes);
            return;
          } else if (!wanted) {
            writing = false;
            return;
          }  // Woken meanwhile: ask again.
        }
        if (finish) {
          reactor->Finish(End());
          return;
        }
      }
    }

    // Only while not closing, or while writing.
    ServerStream* const reactor;
    const std::string peer;
    // Set before the stream is known to anyone.
    std::shared_ptr<Handler> handler;
    // Both of who set `writing`.
    Response response;
    grpc::ByteBuffer bytes;
    Mutex mutex;
    bool writing ABSL_GUARDED_BY(mutex) = false;
    bool wanted ABSL_GUARDED_BY(mutex) = false;
    bool closing ABSL_GUARDED_BY(mutex) = false;
    grpc::Status end ABSL_GUARDED_BY(mutex);
    // No read is under way, and the next one waits for TakesRequests.
    bool paused ABSL_GUARDED_BY(mutex) = false;
  };

  ServerStream(std::string peer, int64_t max_parts)
      : core_(std::make_shared<Core>(this, std::move(peer))), max_parts_(max_parts) {}

  void Read() { StartRead(&bytes_); }

  void OnSendInitialMetadataDone(bool ok) override {
    if (ok) core_->Wake();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      core_->Close(absl::OkStatus());
      return;
    }
    Request request;
    const absl::Status parsed = ParseMessage(bytes_, max_parts_, &request);
    bytes_.Clear();
    if (!parsed.ok()) {
      core_->Close(parsed);
      return;
    }
    core_->handler->OnRequest(request);
    core_->ReadOn();
  }

  void OnWriteDone(bool ok) override {
    bool finish = false;
    {
      MutexLock lock(&core_->mutex);
      if (core_->closing || !ok) {
        // Without ok the read fails too, if there is one; whichever comes last finishes.
        if (core_->paused) core_->closing = true;
        core_->writing = false;
        finish = core_->closing;
      }
    }
    if (finish) {
      Finish(core_->End());
    } else if (ok) {
      core_->Pump();
    }
  }

  void OnCancel() override { core_->Close(absl::OkStatus()); }

  void OnDone() override {
    const std::shared_ptr<Handler> handler = std::move(core_->handler);
    handler->OnClosed();
    delete this;
  }

  const std::shared_ptr<Core> core_;
  const int64_t max_parts_;
  grpc::ByteBuffer bytes_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_SERVER_STREAM_H_
