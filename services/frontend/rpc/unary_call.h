// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_UNARY_CALL_H_
#define SERVICES_FRONTEND_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/grpc/raw_messages.h"
#include "common/mutex/mutex.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// One unary call of the public API, from its arrival to its answer: the one place that
// sets what REST callers get beside the message, and that counts calls. Whoever works for
// the call holds it by shared_ptr, and exactly one of them finishes it. Thread-safe.
class UnaryCall {
 public:
  // Only one that `may_wait` hears of a client that gives up: gRPC wakes a thread at the end of
  // each call for that.
  static std::shared_ptr<UnaryCall> Make(grpc::CallbackServerContext* context, const Parts& parts,
                                         Method method, bool may_wait = false);

  // What the service's method returns.
  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

  // Adds initial metadata, which is a header on REST. Before Finish, by who finishes.
  void SetHeader(absl::string_view key, absl::string_view value);

  // An empty message for the caller to fill in, which a successful Finish writes to `bytes`. It
  // lives as long as the call. Call this at most once.
  template <typename Message>
  Message* AnswerIn(grpc::ByteBuffer* bytes) {
    auto message = std::make_shared<Message>();
    Message* const answer = message.get();
    write_answer_ = [message = std::move(message), bytes] { return WriteMessage(*message, bytes); };
    return answer;
  }

  // Answers. An error brings `x-http-code` and `retry-after` with it. Call once; request
  // and response must not be touched afterwards.
  void Finish(const absl::Status& status);

  // Calls `gone` once if the client gives up before the answer: at once if it has. Only for
  // who may wait.
  void OnGone(std::function<void()> gone);

 private:
  class WaitingReactor;

  UnaryCall(grpc::CallbackServerContext* context, const Parts& parts, Method method,
            grpc::ServerUnaryReactor* reactor);

  void Cancelled();
  void Done();

  grpc::CallbackServerContext* const context_;
  FrontendMetrics* const metrics_;
  const Clock* const clock_;
  const Method method_;
  const absl::Duration start_;
  grpc::ServerUnaryReactor* const reactor_;  // gRPC's, or deletes itself.
  std::function<grpc::Status()> write_answer_;
  Mutex mutex_;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_gone_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_UNARY_CALL_H_
