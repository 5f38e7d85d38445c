// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/admin_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"

namespace buzzer::amqp {
namespace {

constexpr int64_t kMaxWaiting = 10'000;
constexpr size_t kMaxQueueName = 255;  // an AMQP short string
// Without a call for so long the connection is closed. Longer than a state service's interval
// between two looks at an idle queue.
constexpr absl::Duration kIdle = absl::Minutes(1);

absl::Duration Now() { return Clock::Real()->Monotonic(); }

}  // namespace

AdminConnection::AdminConnection(ConnectionOptions options, absl::Duration rpc_timeout,
                                 int calls_at_once)
    : rpc_timeout_(rpc_timeout), idle_since_(Now() - kIdle), thread_(std::move(options), this) {
  for (int number = 1; number <= calls_at_once; ++number) {
    channels_.emplace_back(static_cast<amqp_channel_t>(number), rpc_timeout);
  }
  thread_.Start();
}

AdminConnection::~AdminConnection() {
  ending_ = true;
  thread_.Stop();
}

void AdminConnection::Add(AdminRequest request) {
  absl::Status refusal;
  // An empty name would make the broker invent one.
  if (request.queue.empty() || request.queue.size() > kMaxQueueName) {
    refusal = absl::InvalidArgumentError("a broker queue's name has 1 to 255 bytes");
  } else if (waiting_count_ >= kMaxWaiting) {
    refusal = absl::ResourceExhaustedError(
        absl::StrCat("more than ", kMaxWaiting, " calls wait for the broker"));
  }
  {
    MutexLock lock(&mutex_);
    ++waiting_count_;
    added_.push_back({std::move(request), std::move(refusal)});
  }
  thread_.Wake();
}

void AdminConnection::OnConnected(Connection* connection) {
  connection_ = connection;
  for (AdminChannel& channel : channels_) channel.OnConnected(connection);
}

void AdminConnection::OnDisconnected() {
  connection_ = nullptr;
  for (AdminChannel& channel : channels_) channel.OnDisconnected();
  // What was not sent is not concerned; it goes with the next connection.
  const absl::Duration now = Now();
  for (Waiting& waiting : waiting_) waiting.since = now;
}

void AdminConnection::TakeWaiting() {
  std::deque<Added> added;
  {
    MutexLock lock(&mutex_);
    added.swap(added_);
  }
  const absl::Duration now = Now();
  for (Added& one : added) {
    if (one.refusal.ok()) {
      waiting_.push_back({std::move(one.request), now});
    } else {
      --waiting_count_;
      std::move(one.request.done)(one.refusal);
    }
  }
}

bool AdminConnection::Send() {
  TakeWaiting();
  if (IsBusy()) idle_since_ = Now();
  bool any_answers = false;
  for (AdminChannel& channel : channels_) {
    any_answers = any_answers || !channel.is_overdue();
    if (waiting_.empty()) break;
    if (!channel.is_idle()) continue;
    if (!connection_->CanSend()) return true;
    AdminRequest request = std::move(waiting_.front().request);
    waiting_.pop_front();
    --waiting_count_;
    channel.Call(std::move(request));
  }
  if (!any_answers) {
    RefuseWaiting(absl::InfiniteDuration(),
                  absl::UnavailableError("the broker has not answered the calls before this one"));
  }
  return false;
}

void AdminConnection::RefuseAll() {
  TakeWaiting();
  RefuseWaiting(ending_ ? absl::InfiniteDuration() : Now() - rpc_timeout_,
                absl::UnavailableError("not connected to the broker"));
}

void AdminConnection::RefuseWaiting(absl::Duration before, const absl::Status& status) {
  while (!waiting_.empty() && waiting_.front().since < before) {
    AdminRequest request = std::move(waiting_.front().request);
    waiting_.pop_front();
    --waiting_count_;
    std::move(request.done)(status);
  }
}

bool AdminConnection::IsBusy() const {
  return waiting_count_ > 0 ||
         (connection_ != nullptr &&
          std::any_of(channels_.begin(), channels_.end(),
                      [](const AdminChannel& channel) { return !channel.is_idle(); }));
}

bool AdminConnection::IsWanted() { return IsBusy() || Now() - idle_since_ < kIdle; }

absl::Duration AdminConnection::CheckDeadlines(absl::Duration now) {
  absl::Duration next = IsBusy() ? absl::InfiniteDuration() : idle_since_ + kIdle;
  for (AdminChannel& channel : channels_) next = std::min(next, channel.CheckDeadline(now));
  return next;
}

void AdminConnection::OnMethod(amqp_channel_t channel, const amqp_method_t& method) {
  if (channel >= 1 && channel <= channels_.size()) channels_[channel - 1].OnMethod(method);
}

}  // namespace buzzer::amqp
