// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_WORK_SERVICE_H_
#define SERVICES_STATE_RPC_WORK_SERVICE_H_

#include <atomic>

#include "buzzer/internal/v1/work_service.grpc.pb.h"
#include "services/state/boundary/limits.h"
#include "services/state/rpc/work_stream.h"

namespace buzzer::state {

// buzzer.internal.v1.WorkService: one WorkStream for each worker. Thread-safe.
class WorkService final : public internal::v1::WorkService::WithRawCallbackMethod_Work<
                              internal::v1::WorkService::Service> {
 public:
  explicit WorkService(WorkStream::Parts parts) : parts_(parts) {}

  using WithRawCallbackMethod_Work::Work;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Work(
      grpc::CallbackServerContext* context) override {
    using Stream = ServerStream<internal::v1::WorkRequest, internal::v1::WorkResponse>;
    return Stream::Accept(*context, kMaxWorkParts,
                          [this, context](std::shared_ptr<StreamWaker> waker) {
                            return std::make_shared<WorkStream>(parts_, ++last_stream_,
                                                                context->peer(), std::move(waker));
                          });
  }

 private:
  const WorkStream::Parts parts_;
  std::atomic<int64_t> last_stream_ = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_WORK_SERVICE_H_
