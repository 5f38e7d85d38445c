// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_WATCH_STREAM_H_
#define SERVICES_STATE_RPC_WATCH_STREAM_H_

#include <memory>

#include "absl/status/status.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "services/state/rpc/server_stream.h"
#include "services/state/watch/job_event_hub.h"

namespace buzzer::state {

// A frontend's watches (step 9 of a job's life) on the wire. One that is wrong ends with
// INVALID_ARGUMENT; a number that is in use, or too many, end the stream. Thread-safe.
class WatchStream final
    : public StreamHandler<internal::v1::WatchRequest, internal::v1::WatchResponse> {
 public:
  // Not owned: the hub.
  WatchStream(JobEventHub* hub, std::shared_ptr<StreamWaker> waker)
      : waker_(std::move(waker)), session_(hub->Open([waker = waker_] { waker->Wake(); })) {}

  void OnRequest(internal::v1::WatchRequest& request) override {
    for (const auto& start : request.start()) {
      const absl::Status started = session_->Start(start);
      if (started.ok()) continue;
      waker_->Close(started);
      return;
    }
    for (const int64_t watch : request.stop()) session_->Stop(watch);
  }
  bool TakesRequests() override { return session_->HasRoom(); }
  bool NextResponse(internal::v1::WatchResponse* response) override {
    return session_->Fill(response);
  }
  void OnClosed() override { session_->Close(); }

 private:
  const std::shared_ptr<StreamWaker> waker_;
  const std::shared_ptr<WatchSession> session_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_WATCH_STREAM_H_
