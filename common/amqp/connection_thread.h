// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_CONNECTION_THREAD_H_
#define COMMON_AMQP_CONNECTION_THREAD_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/amqp/connection.h"
#include "common/amqp/watchdog.h"

namespace buzzer::amqp {

// What a publisher or a consumer does with its connection. All is called on the
// connection's thread.
class Session : public FrameHandler {
 public:
  // Logged in. `connection` lives until OnDisconnected.
  virtual void OnConnected(Connection* connection) = 0;
  virtual void OnDisconnected() = 0;
  // There is no connection, for this reason. Told again only for another reason, or after one.
  virtual void OnUnreachable(const std::string& /*why*/) {}
  // Sends what there is to send while the connection takes it. True if some waits
  // for the socket.
  virtual bool Send() = 0;
  // Looks at deadlines; returns when to call it next, in monotonic time.
  virtual absl::Duration CheckDeadlines(absl::Duration now) = 0;
  // There is no connection: answers what was asked meanwhile.
  virtual void RefuseAll() = 0;
  // Whether there is anything to connect for now. One that is no longer wanted is closed; Wake
  // makes the thread ask again.
  virtual bool IsWanted() { return true; }
};

// The thread that owns a connection: connects, pumps frames and timers, and
// connects again when it is lost. Each round tries every address of every host of the broker, in
// an order of its own, and the next at once where one fails; after a round without luck it waits
// (100 ms doubling to 3 s, full jitter).
//
// Start and Stop belong to the owner; Wake and is_current are thread-safe.
class ConnectionThread {
 public:
  // `session` must outlive Stop.
  ConnectionThread(ConnectionOptions options, Session* session);
  // Stops.
  ~ConnectionThread();
  ConnectionThread(const ConnectionThread&) = delete;
  ConnectionThread& operator=(const ConnectionThread&) = delete;

  void Start();
  // Closes the connection and joins. What is under way is ended with
  // OnDisconnected. Takes at most a few seconds, also when the broker hangs.
  void Stop();

  // Makes the thread call Send (or RefuseAll) soon.
  void Wake();

 private:
  void Run();
  // One after the other, until one has worked for a while. Whether one has. `hasty`: none is waited
  // for long, since the next may be better.
  bool TryRoutes(bool hasty);
  // Connects by this route and serves until the connection ends. Why it did, and, in `worked`,
  // whether it was of use.
  absl::Status Try(const ConnectionOptions& options, const Route& route, bool* worked);
  // Until the connection fails, is not wanted any more, or Stop.
  void Serve(Connection* connection);
  // Returns early when woken to stop.
  void Pause(absl::Duration pause);
  void WaitForEvents(Connection* connection, bool wants_to_send, absl::Duration timeout);
  void TakeWakeups();
  void TellDown(const std::string& broker, const std::string& reason);

  const ConnectionOptions options_;
  Session* const session_;
  const int wakeup_;  // an eventfd
  std::atomic<bool> woken_{false};
  std::atomic<bool> stopping_{false};
  std::string logged_down_;  // the last reason that was logged
  Watchdog watchdog_;
  std::thread thread_;
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_CONNECTION_THREAD_H_
