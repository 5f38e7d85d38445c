// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_SUBMIT_STREAM_H_
#define SERVICES_STATE_RPC_SUBMIT_STREAM_H_

#include <deque>
#include <memory>

#include "buzzer/internal/v1/state_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/wait_reasons.h"
#include "services/state/rpc/server_stream.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Accept (step 2 of a job's life): each batch becomes one call to the store, answered
// when it is committed. A job that is wrong is refused by itself (INVALID_ARGUMENT); a batch of
// too many ends the stream. Thread-safe.
class SubmitStream final
    : public StreamHandler<internal::v1::SubmitRequest, internal::v1::SubmitResponse>,
      public std::enable_shared_from_this<SubmitStream> {
 public:
  // Not owned.
  SubmitStream(JobStore* store, const TypeRegistry* types, const WaitReasons* waits,
               std::shared_ptr<StreamWaker> waker)
      : store_(store), types_(types), waits_(waits), waker_(std::move(waker)) {}

  void OnRequest(internal::v1::SubmitRequest& request) override;
  bool TakesRequests() override;
  bool NextResponse(internal::v1::SubmitResponse* response) override;
  void OnClosed() override {}

 private:
  struct Waiting {
    internal::v1::SubmitResponse response;
    size_t bytes = 0;
  };

  // What was asked with `owed` bytes is answered.
  void Answer(internal::v1::SubmitResponse response, size_t owed);

  JobStore* const store_;
  const TypeRegistry* const types_;
  const WaitReasons* const waits_;
  const std::shared_ptr<StreamWaker> waker_;
  Mutex mutex_;
  std::deque<Waiting> answers_ ABSL_GUARDED_BY(mutex_);
  // About how much lies in `answers_`, and how much was read and is not answered yet.
  size_t answers_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t owed_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_SUBMIT_STREAM_H_
