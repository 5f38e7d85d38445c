// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "common/grpc/raw_messages.h"
#include "common/grpc/status.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/job_event_stream.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {
namespace {

class WatchJobStream final : public JobEventStream {
 public:
  WatchJobStream(grpc::CallbackServerContext* context, const Parts& parts)
      : JobEventStream(context, parts, Method::kWatchJob) {}

 private:
  absl::Status EncodeEvent(v1::JobEvent event, grpc::ByteBuffer* message) override {
    v1::WatchJobResponse response;
    *response.mutable_event() = std::move(event);
    return FromGrpcStatus(WriteMessage(response, message));
  }
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* JobService::WatchJob(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  const auto stream = std::make_shared<WatchJobStream>(context, parts_);
  const auto request = ParsePlainRequest<v1::WatchJobRequest>(*bytes);
  if (!request.ok()) {
    stream->Open(request.status(), 0);
    return stream.get();
  }
  auto target = FindTarget(*context, request->name());
  if (absl::Status after = CheckRevision("after_revision", request->after_revision());
      target.ok() && !after.ok()) {
    target = after;
  }
  stream->Open(target, request->after_revision());
  return stream.get();
}

}  // namespace buzzer::frontend
