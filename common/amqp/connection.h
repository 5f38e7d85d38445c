// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_CONNECTION_H_
#define COMMON_AMQP_CONNECTION_H_

#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/amqp/address.h"
#include "common/amqp/route.h"
#include "common/amqp/watchdog.h"

namespace buzzer::amqp {

struct ConnectionOptions {
  Address address;
  std::string name;
  // Whole seconds, at least 1. A broker that is silent for twice as long is dead.
  absl::Duration heartbeat;
  // For the socket, and again for the login.
  absl::Duration connect_timeout;
};

// Takes the frames of one connection. What it is given is valid during the call.
class FrameHandler {
 public:
  virtual ~FrameHandler() = default;
  virtual void OnMethod(amqp_channel_t channel, const amqp_method_t& method) = 0;
  // A basic.return's or basic.deliver's content: its header, then its body in any
  // number of pieces (none if `body_size` is 0).
  virtual void OnHeader(amqp_channel_t channel, const amqp_basic_properties_t& properties,
                        uint64_t body_size) = 0;
  virtual void OnBody(amqp_channel_t channel, absl::string_view piece) = 0;
  // connection.blocked and connection.unblocked.
  virtual void OnBlocked(bool blocked) = 0;
};

// One logged-in connection to the broker. After the login nothing waits for an
// answer: methods are sent, and what comes back is given to a FrameHandler.
//
// The first failure is kept in status(); from then on nothing is sent or read.
// Lives on one thread.
class Connection {
 public:
  // Connects by this route and logs in; blocks for at most twice the connect timeout.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options,
                                                          const Route& route, Watchdog* watchdog);
  // Closes the socket without a word; see Close.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whether the socket takes a few frames more without blocking. Ask before each
  // Send or Publish; costs a system call per 8 KiB sent.
  bool CanSend();

  void SendMethod(amqp_channel_t channel, amqp_method_number_t id, void* method);
  // To the default exchange, persistent and mandatory.
  void Publish(amqp_channel_t channel, absl::string_view queue, absl::string_view message_id,
               absl::string_view body);

  // Hands over what has arrived, at most a few hundred frames. True if there may
  // be more without the socket becoming readable again.
  bool Read(FrameHandler* handler);

  // The socket was readable: the broker lives.
  void NoteLife();
  // Sends a heartbeat when one is due, and fails when the broker has been silent
  // for two of them. Returns when to call it next, in monotonic time.
  absl::Duration BeatHeart();

  // Says goodbye; waits at most a second for the answer.
  void Close();

  // Fails the connection for a reason of the caller's.
  void Fail(absl::Status status);

  const absl::Status& status() const { return status_; }
  int socket() const { return socket_; }
  // The highest channel number that may be opened.
  int channel_max() const { return amqp_get_channel_max(state_); }
  // Whether the broker has stopped reading what we publish.
  bool blocked() const { return blocked_; }

 private:
  Connection(amqp_connection_state_t state, Watchdog* watchdog, absl::Duration heartbeat);

  absl::Status Connect(const ConnectionOptions& options, const Route& route);
  absl::Status Login(const ConnectionOptions& options);
  void Check(int library_status);
  void HandleFrame(const amqp_frame_t& frame, FrameHandler* handler);
  void HandleConnectionMethod(const amqp_method_t& method, FrameHandler* handler);

  const amqp_connection_state_t state_;
  Watchdog* const watchdog_;
  absl::Duration heartbeat_;
  int socket_ = -1;
  absl::Status status_;
  bool blocked_ = false;
  size_t sent_since_poll_ = 0;
  absl::Duration last_life_;
  absl::Duration last_beat_;
};

// The bytes of a string, for the library; not copied.
amqp_bytes_t Bytes(absl::string_view text);
absl::string_view View(const amqp_bytes_t& bytes);

// What a channel.close or connection.close means: its code as a status.
absl::Status StatusOfReply(int code, absl::string_view text);

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_CONNECTION_H_
