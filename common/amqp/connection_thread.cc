// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/connection_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/amqp/route.h"
#include "common/backoff/backoff.h"
#include "common/clock/clock.h"
#include "common/log/log.h"

namespace buzzer::amqp {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(3);
// Longest wait for one address where there are more, in the first round.
constexpr absl::Duration kNextRoute = absl::Seconds(2);
// A connection that lived shorter did not work: the next address is tried, and the pauses go on
// growing.
constexpr absl::Duration kWorked = absl::Seconds(1);

absl::Duration Now() { return Clock::Real()->Monotonic(); }

int PollTimeout(absl::Duration wait) {
  if (wait <= absl::ZeroDuration()) return 0;
  // Up: a timer that fires early would spin.
  return static_cast<int>(absl::ToInt64Milliseconds(std::min(wait, absl::Minutes(1)))) + 1;
}

}  // namespace

ConnectionThread::ConnectionThread(ConnectionOptions options, Session* session)
    : options_(std::move(options)),
      session_(session),
      wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      watchdog_(std::max(2 * options_.heartbeat, 2 * options_.connect_timeout)) {}

ConnectionThread::~ConnectionThread() {
  Stop();
  close(wakeup_);
}

void ConnectionThread::Start() {
  thread_ = std::thread([this] { Run(); });
}

void ConnectionThread::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  watchdog_.Hurry();
  Wake();
  thread_.join();
}

void ConnectionThread::Wake() {
  if (woken_.exchange(true)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wakeup_, &one, sizeof(one));
}

void ConnectionThread::TakeWakeups() {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = read(wakeup_, &count, sizeof(count));
  // After the read and before the session looks at what it was woken for.
  woken_ = false;
}

void ConnectionThread::Run() {
  Backoff backoff(kFirstPause, kLongestPause);
  bool hasty = true;
  while (!stopping_) {
    if (!session_->IsWanted()) {
      Pause(absl::InfiniteDuration());
      continue;
    }
    const bool worked = TryRoutes(hasty);
    if (worked) backoff.Reset();
    hasty = worked;
    if (session_->IsWanted()) Pause(backoff.Next());
  }
  session_->RefuseAll();
}

bool ConnectionThread::TryRoutes(bool hasty) {
  std::vector<std::string> failures;
  const std::vector<Route> routes = Routes(options_.address, &failures);
  ConnectionOptions options = options_;
  // Where one of several does not answer, another may. If none does, they are perhaps just slow.
  if (hasty && routes.size() > 1)
    options.connect_timeout = std::min(options.connect_timeout, kNextRoute);
  for (const Route& route : routes) {
    if (stopping_) return false;
    session_->RefuseAll();
    bool worked = false;
    const absl::Status end = Try(options, route, &worked);
    if (worked) return true;
    failures.push_back(absl::StrCat(route.ToString(), ": ", end.message()));
  }
  // Whatever the order that they were tried in.
  std::sort(failures.begin(), failures.end());
  if (!stopping_) TellDown(options_.address.ToString(), absl::StrJoin(failures, "; "));
  return false;
}

absl::Status ConnectionThread::Try(const ConnectionOptions& options, const Route& route,
                                   bool* worked) {
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      Connection::Open(options, route, &watchdog_);
  if (!connection.ok()) return connection.status();
  const absl::Duration since = Now();
  Address broker = options_.address;
  broker.endpoints = {route.endpoint};
  log::Info(
      "broker_up",
      {{"connection", options_.name}, {"broker", broker.ToString()}, {"address", route.target}});
  logged_down_.clear();
  session_->OnConnected(connection->get());
  Serve(connection->get());
  session_->OnDisconnected();
  const bool ended_by_us = (*connection)->status().ok();
  *worked = ended_by_us || Now() - since >= kWorked;
  if (ended_by_us) {
    (*connection)->Close();
  } else {
    TellDown(broker.ToString(), (*connection)->status().ToString());
  }
  return (*connection)->status();
}

void ConnectionThread::Serve(Connection* connection) {
  while (!stopping_ && session_->IsWanted()) {
    const bool more_to_read = connection->Read(session_);
    const bool wants_to_send = session_->Send();
    const absl::Duration wake_at =
        std::min(connection->BeatHeart(), session_->CheckDeadlines(Now()));
    if (!connection->status().ok()) return;
    WaitForEvents(connection, wants_to_send, more_to_read ? absl::ZeroDuration() : wake_at - Now());
  }
}

void ConnectionThread::WaitForEvents(Connection* connection, bool wants_to_send,
                                     absl::Duration timeout) {
  pollfd events[] = {
      {connection->socket(), static_cast<int16_t>(POLLIN | (wants_to_send ? POLLOUT : 0)), 0},
      {wakeup_, POLLIN, 0},
  };
  if (poll(events, 2, PollTimeout(timeout)) <= 0) return;
  if ((events[0].revents & POLLIN) != 0) connection->NoteLife();
  if (events[1].revents != 0) TakeWakeups();
}

void ConnectionThread::Pause(absl::Duration pause) {
  const absl::Duration until = Now() + pause;
  for (;;) {
    session_->RefuseAll();
    const absl::Duration left = until - Now();
    if (stopping_ || left <= absl::ZeroDuration()) return;
    // Without an end it waits to be wanted.
    if (pause == absl::InfiniteDuration() && session_->IsWanted()) return;
    pollfd event = {wakeup_, POLLIN, 0};
    if (poll(&event, 1, PollTimeout(left)) == 1) TakeWakeups();
  }
}

void ConnectionThread::TellDown(const std::string& broker, const std::string& reason) {
  if (reason == logged_down_) return;  // a broker that stays away is said once
  log::Warning("broker_down",
               {{"connection", options_.name}, {"broker", broker}, {"error", reason}});
  logged_down_ = reason;
  session_->OnUnreachable(reason);
}

}  // namespace buzzer::amqp
