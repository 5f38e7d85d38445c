// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/connection.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"

namespace buzzer::amqp {
namespace {

constexpr int kFrameMax = 131072;
constexpr int kChannelMax = 2047;
// A socket that polls as writable has a third of its buffer free, which is more.
constexpr size_t kSendBetweenPolls = 8192;
// Method, header and frame envelopes of one publish.
constexpr size_t kPublishOverhead = 128;
constexpr int kFramesPerRead = 512;
constexpr absl::Duration kCloseTimeout = absl::Seconds(1);
// rabbitmq-c 0.11 knows no default.
constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

absl::Duration Now() { return Clock::Real()->Monotonic(); }

absl::Status LibraryError(absl::string_view doing, int library_status) {
  return absl::UnavailableError(absl::StrCat(doing, ": ", amqp_error_string2(library_status)));
}

amqp_table_entry_t Capability(const char* name) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

absl::Status LoginError(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
    return StatusOfReply(close->reply_code, View(close->reply_text));
  }
  return LibraryError("login", reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                                   ? reply.library_error
                                   : AMQP_STATUS_CONNECTION_CLOSED);
}

}  // namespace

amqp_bytes_t Bytes(absl::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};  // the library only reads it
}

absl::string_view View(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

absl::Status StatusOfReply(int code, absl::string_view text) {
  const std::string message = absl::StrCat("broker: ", text);
  switch (code) {
    case AMQP_NOT_FOUND:
      // The broker says 404 too of a queue that exists but has no leader just now.
      if (absl::StrContains(text, "due to timeout") || absl::StrContains(text, "is down")) {
        return absl::UnavailableError(message);
      }
      return absl::NotFoundError(message);
    case AMQP_PRECONDITION_FAILED:
    case AMQP_RESOURCE_LOCKED:
      return absl::FailedPreconditionError(message);
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
      return absl::PermissionDeniedError(message);
    case AMQP_RESOURCE_ERROR:
      return absl::ResourceExhaustedError(message);
    case AMQP_CONNECTION_FORCED:
      return absl::UnavailableError(message);
    default:
      return absl::InternalError(absl::StrCat(message, " (", code, ")"));
  }
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options,
                                                             const Route& route,
                                                             Watchdog* watchdog) {
  amqp_connection_state_t state = amqp_new_connection();
  if (state == nullptr) return absl::ResourceExhaustedError("no memory for a broker connection");
  std::unique_ptr<Connection> connection(new Connection(state, watchdog, options.heartbeat));
  if (absl::Status status = connection->Connect(options, route); !status.ok()) return status;
  if (absl::Status status = connection->Login(options); !status.ok()) return status;
  return connection;
}

Connection::Connection(amqp_connection_state_t state, Watchdog* watchdog, absl::Duration heartbeat)
    : state_(state),
      watchdog_(watchdog),
      heartbeat_(heartbeat),
      last_life_(Now()),
      last_beat_(last_life_) {}

Connection::~Connection() {
  watchdog_->Release();
  amqp_destroy_connection(state_);
}

absl::Status Connection::Connect(const ConnectionOptions& options, const Route& route) {
  const Address& address = options.address;
  amqp_socket_t* socket =
      address.tls ? amqp_ssl_socket_new(state_) : amqp_tcp_socket_new(state_);  // state_ owns it
  if (socket == nullptr) return absl::ResourceExhaustedError("no memory for a broker socket");
  if (address.tls) {
    const std::string authorities = address.tls_ca.empty() ? kSystemAuthorities : address.tls_ca;
    if (amqp_ssl_socket_set_cacert(socket, authorities.c_str()) != AMQP_STATUS_OK) {
      return absl::FailedPreconditionError(
          absl::StrCat("cannot read certificate authorities from ", authorities));
    }
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  }
  const timeval timeout = absl::ToTimeval(options.connect_timeout);
  const int connected =
      amqp_socket_open_noblock(socket, route.target.c_str(), route.endpoint.port, &timeout);
  if (connected != AMQP_STATUS_OK) return LibraryError("connect", connected);
  socket_ = amqp_get_sockfd(state_);
  watchdog_->Guard(socket_);
  // A half-open link ends by itself as well, wherever the thread is.
  const auto user_timeout = static_cast<unsigned>(absl::ToInt64Milliseconds(2 * heartbeat_));
  setsockopt(socket_, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
  return absl::OkStatus();
}

absl::Status Connection::Login(const ConnectionOptions& options) {
  const timeval timeout = absl::ToTimeval(options.connect_timeout);
  amqp_set_handshake_timeout(state_, &timeout);

  // Without these the broker does not tell us.
  std::array<amqp_table_entry_t, 4> capabilities = {
      Capability("connection.blocked"), Capability("consumer_cancel_notify"),
      Capability("publisher_confirms"), Capability("basic.nack")};
  std::array<amqp_table_entry_t, 2> properties;
  properties[0].key = amqp_cstring_bytes("capabilities");
  properties[0].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[0].value.value.table = {capabilities.size(), capabilities.data()};
  properties[1].key = amqp_cstring_bytes("connection_name");
  properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
  properties[1].value.value.bytes = Bytes(options.name);
  const amqp_table_t table = {properties.size(), properties.data()};

  const int heartbeat = std::max(1, static_cast<int>(absl::ToInt64Seconds(heartbeat_)));
  const Address& address = options.address;
  amqp_rpc_reply_t reply;
  {
    Watchdog::Busy busy(watchdog_);
    reply = amqp_login_with_properties(state_, address.vhost.c_str(), kChannelMax, kFrameMax,
                                       heartbeat, &table, AMQP_SASL_METHOD_PLAIN,
                                       address.user.c_str(), address.password.c_str());
  }
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) return LoginError(reply);
  // The broker may have lowered it.
  heartbeat_ = absl::Seconds(std::max(1, amqp_get_heartbeat(state_)));
  // We beat the heart ourselves. The library's own way waits inside a publish, for
  // ever on a half-open link, when it has read nothing for two heartbeats.
  const int tuned = amqp_tune_connection(state_, amqp_get_channel_max(state_),
                                         amqp_get_frame_max(state_), /*heartbeat=*/0);
  if (tuned != AMQP_STATUS_OK) return LibraryError("login", tuned);
  last_life_ = last_beat_ = Now();
  return absl::OkStatus();
}

bool Connection::CanSend() {
  if (!status_.ok()) return false;
  if (sent_since_poll_ < kSendBetweenPolls) return true;
  pollfd writable = {socket_, POLLOUT, 0};
  if (poll(&writable, 1, 0) != 1) return false;
  sent_since_poll_ = 0;
  return true;
}

void Connection::SendMethod(amqp_channel_t channel, amqp_method_number_t id, void* method) {
  if (!status_.ok()) return;
  Watchdog::Busy busy(watchdog_);
  sent_since_poll_ += kPublishOverhead;
  Check(amqp_send_method(state_, channel, id, method));
}

void Connection::Publish(amqp_channel_t channel, absl::string_view queue,
                         absl::string_view message_id, absl::string_view body) {
  if (!status_.ok()) return;
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.message_id = Bytes(message_id);
  Watchdog::Busy busy(watchdog_);
  sent_since_poll_ += kPublishOverhead + queue.size() + body.size();
  Check(amqp_basic_publish(state_, channel, amqp_empty_bytes, Bytes(queue), /*mandatory=*/1,
                           /*immediate=*/0, &properties, Bytes(body)));
}

bool Connection::Read(FrameHandler* handler) {
  for (int i = 0; i < kFramesPerRead; ++i) {
    if (!status_.ok()) return false;
    amqp_frame_t frame;
    const timeval no_wait = {0, 0};
    const int result = amqp_simple_wait_frame_noblock(state_, &frame, &no_wait);
    if (result == AMQP_STATUS_TIMEOUT) return false;
    if (result != AMQP_STATUS_OK) {
      Fail(LibraryError("read", result));
      return false;
    }
    HandleFrame(frame, handler);
    amqp_maybe_release_buffers_on_channel(state_, frame.channel);
  }
  return true;
}

void Connection::HandleFrame(const amqp_frame_t& frame, FrameHandler* handler) {
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD:
      if (frame.channel == 0) {
        HandleConnectionMethod(frame.payload.method, handler);
      } else {
        handler->OnMethod(frame.channel, frame.payload.method);
      }
      break;
    case AMQP_FRAME_HEADER:
      if (frame.payload.properties.class_id == AMQP_BASIC_CLASS) {
        handler->OnHeader(
            frame.channel,
            *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded),
            frame.payload.properties.body_size);
      }
      break;
    case AMQP_FRAME_BODY:
      handler->OnBody(frame.channel, View(frame.payload.body_fragment));
      break;
    default:
      break;
  }
}

void Connection::HandleConnectionMethod(const amqp_method_t& method, FrameHandler* handler) {
  switch (method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD:
      blocked_ = true;
      handler->OnBlocked(true);
      break;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      blocked_ = false;
      handler->OnBlocked(false);
      break;
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
      absl::Status reason = StatusOfReply(close->reply_code, View(close->reply_text));
      amqp_connection_close_ok_t close_ok = {};
      SendMethod(0, AMQP_CONNECTION_CLOSE_OK_METHOD, &close_ok);
      Fail(std::move(reason));
      break;
    }
    default:
      break;
  }
}

void Connection::NoteLife() { last_life_ = Now(); }

absl::Duration Connection::BeatHeart() {
  const absl::Duration now = Now();
  if (now - last_life_ >= 2 * heartbeat_) {
    Fail(absl::UnavailableError("the broker was silent for two heartbeats"));
  }
  if (now - last_beat_ >= heartbeat_ / 2) {
    last_beat_ = now;
    // Where the socket takes nothing, there is something under way that tells more.
    if (CanSend()) {
      const amqp_frame_t beat = {AMQP_FRAME_HEARTBEAT, 0, {}};
      Watchdog::Busy busy(watchdog_);
      Check(amqp_send_frame(state_, &beat));
    }
  }
  return std::min(last_beat_ + heartbeat_ / 2, last_life_ + 2 * heartbeat_);
}

void Connection::Close() {
  if (!status_.ok()) return;
  const timeval timeout = absl::ToTimeval(kCloseTimeout);
  amqp_set_rpc_timeout(state_, &timeout);
  Watchdog::Busy busy(watchdog_);
  amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  Fail(absl::CancelledError("closed by us"));
}

void Connection::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void Connection::Check(int library_status) {
  if (library_status != AMQP_STATUS_OK) Fail(LibraryError("send", library_status));
}

}  // namespace buzzer::amqp
