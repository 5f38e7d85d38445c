// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_event_stream.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {
namespace {

class WatchJobStream final : public JobEventStream<v1::WatchJobResponse> {
 public:
  WatchJobStream(grpc::CallbackServerContext* context, const Parts& parts)
      : JobEventStream(context, parts, Method::kWatchJob) {}

 private:
  absl::Status EncodeEvent(v1::JobEvent event, v1::WatchJobResponse* message) override {
    *message->mutable_event() = std::move(event);
    return absl::OkStatus();
  }
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobService::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  const auto stream = std::make_shared<WatchJobStream>(context, parts_);
  auto target = FindTarget(*context, request->name());
  if (absl::Status after = CheckRevision("after_revision", request->after_revision());
      target.ok() && !after.ok()) {
    target = after;
  }
  stream->Open(target, request->after_revision());
  return stream.get();
}

}  // namespace buzzer::frontend
