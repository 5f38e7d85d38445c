// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/admin_channel.h"

#include <amqp_framing.h>

#include <utility>

#include "common/clock/clock.h"

namespace buzzer::amqp {
namespace {

// A broker may lose a request with the leader that it was for, and say so to nobody; others of
// its queues go on.
constexpr absl::Duration kGivenUpAfter = absl::Seconds(30);

}  // namespace

void AdminChannel::OnConnected(Connection* connection) {
  connection_ = connection;
  Open();
}

void AdminChannel::OnDisconnected() {
  connection_ = nullptr;
  state_ = State::kClosed;
  deadline_ = absl::InfiniteDuration();
  overdue_ = false;
  Finish(absl::AbortedError("the connection to the broker was lost during the call"));
}

void AdminChannel::Call(AdminRequest request) {
  calling_ = std::move(request);
  Expect(State::kCalling);
  SendCall();
}

void AdminChannel::Open() {
  Expect(State::kOpening);
  amqp_channel_open_t open = {};
  connection_->SendMethod(number_, AMQP_CHANNEL_OPEN_METHOD, &open);
}

void AdminChannel::SendCall() {
  const AdminRequest& request = calling_;
  if (request.kind == AdminRequest::Kind::kPurge) {
    amqp_queue_purge_t purge = {};
    purge.queue = Bytes(request.queue);
    connection_->SendMethod(number_, AMQP_QUEUE_PURGE_METHOD, &purge);
    return;
  }
  if (request.kind == AdminRequest::Kind::kDelete) {
    amqp_queue_delete_t remove = {};
    remove.queue = Bytes(request.queue);
    connection_->SendMethod(number_, AMQP_QUEUE_DELETE_METHOD, &remove);
    return;
  }
  amqp_queue_declare_t declare = {};
  declare.queue = Bytes(request.queue);
  amqp_table_entry_t type;
  if (request.kind == AdminRequest::Kind::kInspect) {
    declare.passive = 1;
  } else {
    type.key = amqp_cstring_bytes("x-queue-type");
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = amqp_cstring_bytes("quorum");
    declare.durable = 1;
    declare.arguments = {1, &type};
  }
  connection_->SendMethod(number_, AMQP_QUEUE_DECLARE_METHOD, &declare);
}

void AdminChannel::OnMethod(const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      Expect(State::kIdle);
      break;
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto* ok = static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
      Expect(State::kIdle);
      Finish(QueueInfo{.ready = ok->message_count, .consumers = ok->consumer_count});
      break;
    }
    case AMQP_QUEUE_PURGE_OK_METHOD:
    case AMQP_QUEUE_DELETE_OK_METHOD:
      Expect(State::kIdle);
      Finish(QueueInfo{});
      break;
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
      absl::Status reason = StatusOfReply(close->reply_code, View(close->reply_text));
      amqp_channel_close_ok_t close_ok = {};
      connection_->SendMethod(number_, AMQP_CHANNEL_CLOSE_OK_METHOD, &close_ok);
      Open();
      Finish(std::move(reason));
      break;
    }
    default:
      break;
  }
}

absl::Duration AdminChannel::CheckDeadline(absl::Duration now) {
  if (now < deadline_) return deadline_;
  if (overdue_) {
    deadline_ = absl::InfiniteDuration();
    connection_->Fail(absl::DeadlineExceededError("the broker owes an answer for too long"));
  } else {
    deadline_ = now + kGivenUpAfter;
    overdue_ = true;
    Finish(absl::UnavailableError("the broker did not answer in time"));
  }
  return deadline_;
}

void AdminChannel::Expect(State state) {
  state_ = state;
  overdue_ = false;
  deadline_ =
      state == State::kIdle ? absl::InfiniteDuration() : Clock::Real()->Monotonic() + rpc_timeout_;
}

void AdminChannel::Finish(absl::StatusOr<QueueInfo> result) {
  if (!calling_.done) return;
  auto done = std::exchange(calling_.done, nullptr);
  std::move(done)(std::move(result));
}

}  // namespace buzzer::amqp
