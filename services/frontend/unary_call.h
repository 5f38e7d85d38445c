// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_UNARY_CALL_H_
#define SERVICES_FRONTEND_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/frontend/frontend_metrics.h"

namespace buzzer::frontend {

// One unary call from its start to its end: the place where headers are set, errors get
// theirs, and the call is counted. Made with new for each call; deletes itself when gRPC
// is done with it, which is after Finish. Finish is called exactly once, on any thread.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // `method` is a literal. Not owned: context, metrics.
  UnaryCall(grpc::CallbackServerContext* context, const char* method, FrontendMetrics* metrics)
      : context_(context),
        method_(method),
        metrics_(metrics),
        started_(Clock::Real()->Monotonic()) {}

  void Header(absl::string_view key, absl::string_view value);
  void FinishCall(const absl::Status& status);

  // Calls `on_cancel` once if the caller is gone before FinishCall; at once if it is gone
  // already. Must not block.
  void WhenCancelled(std::function<void()> on_cancel);

  grpc::CallbackServerContext* context() const { return context_; }

 private:
  void OnCancel() override;
  void OnDone() override { delete this; }

  grpc::CallbackServerContext* const context_;
  const char* const method_;
  FrontendMetrics* const metrics_;
  const absl::Duration started_;
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_cancel_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_UNARY_CALL_H_
