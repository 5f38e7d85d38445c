// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/queue_probe.h"

#include <amqp_framing.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock/clock.h"

namespace buzzer::amqp {
namespace {

// RabbitMQ starts a new quorum queue within some 10 ms of making it known, or some 100 on a busy
// machine.
constexpr absl::Duration kSettle = absl::Milliseconds(500);
// A try-out that the broker does not let go of.
constexpr absl::Duration kCloseTimeout = absl::Seconds(10);
// Without a question for so long the connection is closed.
constexpr absl::Duration kIdle = absl::Seconds(10);
// Channels at once; further questions wait.
constexpr amqp_channel_t kChannels = 64;

absl::Duration Now() { return Clock::Real()->Monotonic(); }

}  // namespace

QueueProbe::QueueProbe(ConnectionOptions options, absl::Duration rpc_timeout)
    : rpc_timeout_(rpc_timeout), idle_since_(Now() - kIdle), thread_(std::move(options), this) {
  thread_.Start();
}

QueueProbe::~QueueProbe() {
  ending_ = true;
  thread_.Stop();
}

void QueueProbe::Probe(std::vector<std::string> queues, Done done) {
  ++open_questions_;
  {
    MutexLock lock(&mutex_);
    asked_.push_back({std::move(queues), std::move(done), Now()});
  }
  thread_.Wake();
}

void QueueProbe::TakeQuestions() {
  MutexLock lock(&mutex_);
  std::move(asked_.begin(), asked_.end(), std::back_inserter(waiting_));
  asked_.clear();
}

void QueueProbe::OnDisconnected() {
  const std::string why = absl::StrCat("the connection was lost as the queue was tried out: ",
                                       connection_->status().message());
  connection_ = nullptr;
  for (auto& [number, trial] : trials_) {
    for (const std::string& queue : trial.empty) seen_[queue] = Now();
    Tell(trial.question, absl::UnavailableError(why));
  }
  trials_.clear();
  // What was not asked yet is not concerned.
  for (Question& question : waiting_) question.since = Now();
}

void QueueProbe::RefuseAll() {
  TakeQuestions();
  while (!waiting_.empty() && (ending_ || Now() - waiting_.front().since >= rpc_timeout_)) {
    Question question = std::move(waiting_.front());
    waiting_.pop_front();
    Tell(question, absl::UnavailableError("not connected to the broker"));
  }
}

bool QueueProbe::IsWanted() {
  return open_questions_ > 0 || !trials_.empty() || Now() - idle_since_ < kIdle;
}

bool QueueProbe::Send() {
  TakeQuestions();
  if (open_questions_ > 0) idle_since_ = Now();
  for (amqp_channel_t number = 1; number <= kChannels && !waiting_.empty(); ++number) {
    if (trials_.contains(number)) continue;
    if (!connection_->CanSend()) return true;
    Question question = std::move(waiting_.front());
    waiting_.pop_front();
    Begin(number, std::move(question));
  }
  return false;
}

void QueueProbe::Begin(amqp_channel_t number, Question question) {
  Trial& trial = trials_[number];
  trial.question = std::move(question);
  trial.owed = trial.question.queues.size();
  trial.deadline = Now() + rpc_timeout_;
  amqp_channel_open_t open = {};
  connection_->SendMethod(number, AMQP_CHANNEL_OPEN_METHOD, &open);
  for (const std::string& queue : trial.question.queues) {
    amqp_queue_declare_t declare = {};
    declare.queue = Bytes(queue);
    declare.passive = 1;
    connection_->SendMethod(number, AMQP_QUEUE_DECLARE_METHOD, &declare);
  }
}

void QueueProbe::OnDeclared(amqp_channel_t number, Trial& trial, bool seems_empty) {
  const absl::Duration now = Now();
  // Answers come in the order of the questions.
  const std::string& queue = trial.question.queues[trial.asked++];
  if (seems_empty) {
    seen_.try_emplace(queue, now);
    trial.empty.push_back(queue);
  } else {
    seen_.erase(queue);
  }
  if (--trial.owed > 0) return;
  if (trial.empty.empty()) return End(number, trial, absl::OkStatus());
  trial.state = Trial::State::kSettling;
  trial.deadline = now;
  for (const std::string& one : trial.empty) {
    trial.deadline = std::max(trial.deadline, seen_[one] + kSettle);
  }
}

void QueueProbe::Consume(amqp_channel_t number, Trial& trial) {
  trial.state = Trial::State::kConsuming;
  trial.owed = trial.empty.size();
  trial.deadline = Now() + rpc_timeout_;
  amqp_basic_qos_t qos = {};
  qos.prefetch_count = 1;
  connection_->SendMethod(number, AMQP_BASIC_QOS_METHOD, &qos);
  for (const std::string& queue : trial.empty) {
    amqp_basic_consume_t consume = {};
    consume.queue = Bytes(queue);
    connection_->SendMethod(number, AMQP_BASIC_CONSUME_METHOD, &consume);
  }
}

void QueueProbe::End(amqp_channel_t number, Trial& trial, absl::Status answer) {
  trial.state = Trial::State::kClosing;
  trial.deadline = Now() + kCloseTimeout;
  amqp_channel_close_t close = {};
  close.reply_code = AMQP_REPLY_SUCCESS;
  connection_->SendMethod(number, AMQP_CHANNEL_CLOSE_METHOD, &close);
  Tell(trial.question, std::move(answer));
}

void QueueProbe::Tell(Question& question, absl::Status answer) {
  if (!question.done) return;
  for (const std::string& queue : question.queues) {
    if (answer.ok() || absl::IsNotFound(answer)) seen_.erase(queue);
  }
  --open_questions_;
  Done done = std::exchange(question.done, nullptr);
  std::move(done)(std::move(answer));
}

absl::Duration QueueProbe::CheckDeadlines(absl::Duration now) {
  absl::Duration next = trials_.empty() ? idle_since_ + kIdle : absl::InfiniteDuration();
  for (auto& [number, trial] : trials_) {
    if (now >= trial.deadline) {
      switch (trial.state) {
        case Trial::State::kSettling:
          Consume(number, trial);
          break;
        case Trial::State::kClosing:
          connection_->Fail(absl::DeadlineExceededError("the broker did not close a channel"));
          return now;
        default:
          End(number, trial,
              absl::DeadlineExceededError("the broker did not start to deliver in time"));
      }
    }
    next = std::min(next, trial.deadline);
  }
  return next;
}

void QueueProbe::OnMethod(amqp_channel_t number, const amqp_method_t& method) {
  const auto found = trials_.find(number);
  if (found == trials_.end()) return;
  Trial& trial = found->second;
  switch (method.id) {
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      if (trial.state != Trial::State::kAsking) break;
      const auto* ok = static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
      OnDeclared(number, trial, ok->message_count == 0 && ok->consumer_count == 0);
      break;
    }
    case AMQP_BASIC_CONSUME_OK_METHOD:
      if (trial.state == Trial::State::kConsuming && --trial.owed == 0) {
        End(number, trial, absl::OkStatus());
      }
      break;
    case AMQP_BASIC_CANCEL_METHOD:
      if (trial.state == Trial::State::kConsuming) {
        End(number, trial, absl::NotFoundError("the queue was deleted as it was tried out"));
      }
      break;
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
      absl::Status reason = StatusOfReply(close->reply_code, View(close->reply_text));
      amqp_channel_close_ok_t close_ok = {};
      connection_->SendMethod(number, AMQP_CHANNEL_CLOSE_OK_METHOD, &close_ok);
      Tell(trial.question, std::move(reason));
      // When both sides close, ours is answered still.
      if (trial.state != Trial::State::kClosing) trials_.erase(found);
      break;
    }
    case AMQP_CHANNEL_CLOSE_OK_METHOD:
      trials_.erase(found);
      break;
    default:
      break;
  }
}

}  // namespace buzzer::amqp
