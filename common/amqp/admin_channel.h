// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_ADMIN_CHANNEL_H_
#define COMMON_AMQP_ADMIN_CHANNEL_H_

#include <amqp.h>

#include <deque>
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

// A channel of its own for administration, one call at a time: an error closes a
// channel (AMQP has no other way to say no), and this one is opened again after.
//
// A call that the broker does not answer in time, or that would wait for an alarm
// to end, is told UNAVAILABLE, and so is what waits behind it; the connection
// stays. If the connection ends during a call, that call is told ABORTED, since it may
// be the reason. Lives on the connection's thread; callbacks must not call back here.
class AdminChannel {
 public:
  AdminChannel(amqp_channel_t number, absl::Duration rpc_timeout)
      : number_(number), rpc_timeout_(rpc_timeout) {}

  void OnConnected(Connection* connection);
  void OnDisconnected();
  // Takes a request; not before OnConnected.
  void Add(AdminRequest request) { waiting_.push_back(std::move(request)); }
  // Sends the next call, if the last one is answered. True if it waits for the
  // socket.
  bool Send();
  void OnMethod(const amqp_method_t& method);
  absl::Duration CheckDeadline(absl::Duration now);

 private:
  enum class State { kClosed, kOpening, kIdle, kCalling };

  void Open();
  void Call(const AdminRequest& request);
  void Expect(State state);
  // Tells the call under way, if it has not been told.
  void Finish(absl::StatusOr<QueueInfo> result);
  void RefuseWaiting(const absl::Status& status);

  const amqp_channel_t number_;
  const absl::Duration rpc_timeout_;
  Connection* connection_ = nullptr;
  State state_ = State::kClosed;
  absl::Duration deadline_ = absl::InfiniteDuration();
  bool overdue_ = false;
  AdminRequest calling_ = {};  // `done` is empty once told
  std::deque<AdminRequest> waiting_;
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_ADMIN_CHANNEL_H_
