// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/unary_call.h"

#include <utility>

#include "common/grpc/status.h"
#include "services/frontend/response_metadata.h"

namespace buzzer::frontend {

void UnaryCall::Header(absl::string_view key, absl::string_view value) {
  AddHeader(context_, key, value);
}

void UnaryCall::FinishCall(const absl::Status& status) {
  if (!status.ok()) AddErrorHeaders(context_, status);
  metrics_->OnRequest(method_, status.code(), Clock::Real()->Monotonic() - started_);
  Finish(ToGrpcStatus(status));
}

void UnaryCall::WhenCancelled(std::function<void()> on_cancel) {
  {
    MutexLock lock(&mutex_);
    if (!cancelled_) {
      on_cancel_ = std::move(on_cancel);
      return;
    }
  }
  on_cancel();
}

void UnaryCall::OnCancel() {
  std::function<void()> on_cancel;
  {
    MutexLock lock(&mutex_);
    cancelled_ = true;
    on_cancel = std::move(on_cancel_);
  }
  if (on_cancel) on_cancel();
}

}  // namespace buzzer::frontend
