// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_UNARY_CALL_H_
#define SERVICES_FRONTEND_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/mutex/mutex.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// One unary call of the public API, from its arrival to its answer: the one place that
// sets what REST callers get beside the message, and that counts calls. Keeps itself
// until gRPC is done with it. Whoever works for the call holds it by shared_ptr, and
// exactly one of them finishes it. Thread-safe.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  static std::shared_ptr<UnaryCall> Make(grpc::CallbackServerContext* context, const Parts& parts,
                                         Method method);

  // Adds initial metadata, which is a header on REST. Before Finish, by who finishes.
  void SetHeader(absl::string_view key, absl::string_view value);

  // Answers. An error brings `x-http-code` and `retry-after` with it. Call once; request
  // and response must not be touched afterwards.
  void Finish(const absl::Status& status);

  // Calls `gone` once if the client gives up before the answer: at once if it has.
  void OnGone(std::function<void()> gone);

 private:
  UnaryCall(grpc::CallbackServerContext* context, const Parts& parts, Method method);

  void OnCancel() override;
  void OnDone() override;

  grpc::CallbackServerContext* const context_;
  FrontendMetrics* const metrics_;
  const Clock* const clock_;
  const Method method_;
  const absl::Duration start_;
  std::shared_ptr<UnaryCall> self_;  // Until OnDone.
  Mutex mutex_;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_gone_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_UNARY_CALL_H_
