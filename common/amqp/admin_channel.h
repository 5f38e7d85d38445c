// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_ADMIN_CHANNEL_H_
#define COMMON_AMQP_ADMIN_CHANNEL_H_

#include <amqp.h>

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/amqp/connection.h"
#include "common/amqp/publisher.h"

namespace buzzer::amqp {

// One administrative call.
struct AdminRequest {
  enum class Kind { kDeclare, kInspect, kPurge, kDelete };
  Kind kind;
  std::string queue;
  absl::AnyInvocable<void(absl::StatusOr<QueueInfo>) &&> done;
};

// A channel for administration, one call at a time: an error closes a channel (AMQP has no other
// way to say no), and this one is opened again after.
//
// A call that the broker does not answer in time is told UNAVAILABLE; the channel takes no other
// until the answer has come, and after half a minute more the connection is given up. If the
// connection ends during a call, that call is told ABORTED, since it may be the reason. Lives on
// the connection's thread; callbacks must not call back here.
class AdminChannel {
 public:
  AdminChannel(amqp_channel_t number, absl::Duration rpc_timeout)
      : number_(number), rpc_timeout_(rpc_timeout) {}

  void OnConnected(Connection* connection);
  void OnDisconnected();
  // Whether it can take a call.
  bool is_idle() const { return state_ == State::kIdle; }
  // Whether the broker owes it an answer for too long.
  bool is_overdue() const { return overdue_; }
  // Sends a call; idle channels only.
  void Call(AdminRequest request);
  void OnMethod(const amqp_method_t& method);
  // Returns when to call it next, in monotonic time.
  absl::Duration CheckDeadline(absl::Duration now);

 private:
  enum class State { kClosed, kOpening, kIdle, kCalling };

  void Open();
  void SendCall();
  void Expect(State state);
  // Tells the call under way, if it has not been told.
  void Finish(absl::StatusOr<QueueInfo> result);

  const amqp_channel_t number_;
  const absl::Duration rpc_timeout_;
  Connection* connection_ = nullptr;
  State state_ = State::kClosed;
  absl::Duration deadline_ = absl::InfiniteDuration();
  bool overdue_ = false;
  AdminRequest calling_ = {};  // `done` is empty once told
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_ADMIN_CHANNEL_H_
