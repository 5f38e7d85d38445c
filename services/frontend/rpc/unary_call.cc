// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/unary_call.h"

#include <utility>

#include "common/grpc/status.h"
#include "services/frontend/http_codes.h"
#include "services/frontend/response_metadata.h"

namespace buzzer::frontend {

// Keeps the call until gRPC is done with it.
class UnaryCall::WaitingReactor final : public grpc::ServerUnaryReactor {
 public:
  void Keep(std::shared_ptr<UnaryCall> call) { call_ = std::move(call); }

 private:
  void OnCancel() override { call_->Cancelled(); }
  void OnDone() override {
    call_->Done();
    delete this;
  }

  std::shared_ptr<UnaryCall> call_;
};

std::shared_ptr<UnaryCall> UnaryCall::Make(grpc::CallbackServerContext* context, const Parts& parts,
                                           Method method, bool may_wait) {
  if (!may_wait) {
    return std::shared_ptr<UnaryCall>(
        new UnaryCall(context, parts, method, context->DefaultReactor()));
  }
  auto* reactor = new WaitingReactor();
  std::shared_ptr<UnaryCall> call(new UnaryCall(context, parts, method, reactor));
  reactor->Keep(call);
  return call;
}

UnaryCall::UnaryCall(grpc::CallbackServerContext* context, const Parts& parts, Method method,
                     grpc::ServerUnaryReactor* reactor)
    : context_(context),
      metrics_(parts.metrics),
      clock_(parts.clock),
      method_(method),
      start_(parts.clock->Monotonic()),
      reactor_(reactor) {}

void UnaryCall::SetHeader(absl::string_view key, absl::string_view value) {
  SetResponseMetadata(context_, key, value);
}

void UnaryCall::Finish(const absl::Status& status) {
  if (!status.ok()) {
    if (const auto code = HttpCodeOfError(status)) SetHeader(kHttpCodeKey, *code);
    if (const auto seconds = RetryAfterOfError(status)) SetHeader("retry-after", *seconds);
  }
  metrics_->OnUnaryDone(method_, status.code(), clock_->Monotonic() - start_);
  reactor_->Finish(status.ok() && write_answer_ ? write_answer_() : ToGrpcStatus(status));
}

void UnaryCall::OnGone(std::function<void()> gone) {
  {
    MutexLock lock(&mutex_);
    if (!gone_) {
      on_gone_ = std::move(gone);
      return;
    }
  }
  gone();
}

void UnaryCall::Cancelled() {
  std::function<void()> on_gone;
  {
    MutexLock lock(&mutex_);
    gone_ = true;
    on_gone = std::exchange(on_gone_, nullptr);
  }
  if (on_gone != nullptr) on_gone();
}

void UnaryCall::Done() {
  std::function<void()> dropped;  // It may hold this call.
  MutexLock lock(&mutex_);
  gone_ = true;
  dropped = std::exchange(on_gone_, nullptr);
}

}  // namespace buzzer::frontend
