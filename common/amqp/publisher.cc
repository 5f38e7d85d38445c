// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/publisher.h"

#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/amqp/admin_channel.h"
#include "common/amqp/admin_connection.h"
#include "common/amqp/confirm_window.h"
#include "common/amqp/connection.h"
#include "common/amqp/connection_thread.h"
#include "common/clock/clock.h"
#include "common/fault_points/fault_points.h"
#include "common/log/log.h"
#include "common/mutex/mutex.h"

namespace buzzer::amqp {
namespace {

constexpr amqp_channel_t kPublishChannel = 1;
constexpr int kCallsAtOnce = 16;
// A confirm takes some 10 ms, or as long as an election.
constexpr absl::Duration kLateConfirm = absl::Seconds(5);
constexpr size_t kMaxWaitingMessages = 100'000;
constexpr size_t kMaxWaitingBytes = 64 << 20;
constexpr size_t kMaxQueueName = 255;  // an AMQP short string

using PublishDone = ConfirmWindow::Done;

struct Message {
  std::string queue;
  std::string body;
  PublishDone done;

  size_t bytes() const { return queue.size() + body.size(); }
};

class PublisherImpl final : public Publisher, private Session {
 public:
  explicit PublisherImpl(Options options)
      : options_(std::move(options)),
        thread_(Connecting(""), this),
        admin_(Connecting("-admin"), options_.rpc_timeout, kCallsAtOnce),
        alone_(Connecting("-alone"), options_.rpc_timeout, 1) {
    thread_.Start();
  }

  ~PublisherImpl() override {
    ending_ = true;
    thread_.Stop();
  }

  void Publish(std::string queue, std::string body, PublishDone done) override {
    Message message{std::move(queue), std::move(body), std::move(done)};
    const size_t bytes = message.bytes();
    {
      MutexLock lock(&mutex_);
      if (!up_) {
        Refuse(std::move(message.done), Fate::kUnknown);
      } else if (message.queue.empty() || message.queue.size() > kMaxQueueName) {
        Refuse(std::move(message.done), Fate::kReturned);
      } else if (waiting_count_ >= kMaxWaitingMessages ||
                 waiting_bytes_ + bytes > kMaxWaitingBytes) {
        Refuse(std::move(message.done), Fate::kRejected);
      } else {
        ++waiting_count_;
        waiting_bytes_ += bytes;
        messages_.push_back(std::move(message));
      }
    }
    thread_.Wake();
  }

  void Declare(std::string queue, Line line,
               absl::AnyInvocable<void(absl::StatusOr<QueueInfo>) &&> done) override {
    On(line).Add({AdminRequest::Kind::kDeclare, std::move(queue), std::move(done)});
  }

  void Inspect(std::string queue,
               absl::AnyInvocable<void(absl::StatusOr<QueueInfo>) &&> done) override {
    admin_.Add({AdminRequest::Kind::kInspect, std::move(queue), std::move(done)});
  }

  void Purge(std::string queue, Line line,
             absl::AnyInvocable<void(absl::Status) &&> done) override {
    On(line).Add({AdminRequest::Kind::kPurge, std::move(queue), StatusOnly(std::move(done))});
  }

  void Delete(std::string queue, Line line,
              absl::AnyInvocable<void(absl::Status) &&> done) override {
    On(line).Add({AdminRequest::Kind::kDelete, std::move(queue), StatusOnly(std::move(done))});
  }

  bool up() const override { return up_; }
  bool blocked() const override { return blocked_; }
  absl::Duration unconfirmed_for() const override {
    const int64_t since = unconfirmed_since_;
    if (since == 0) return absl::ZeroDuration();
    return Clock::Real()->Monotonic() - absl::Nanoseconds(since);
  }

 private:
  ConnectionOptions Connecting(const char* suffix) const {
    return {options_.address, absl::StrCat(options_.connection_name, suffix), options_.heartbeat,
            options_.connect_timeout};
  }

  AdminConnection& On(Line line) { return line == Line::kAlone ? alone_ : admin_; }

  static absl::AnyInvocable<void(absl::StatusOr<QueueInfo>) &&> StatusOnly(
      absl::AnyInvocable<void(absl::Status) &&> done) {
    return [done = std::move(done)](const absl::StatusOr<QueueInfo>& info) mutable {
      std::move(done)(info.status());
    };
  }

  void Refuse(PublishDone done, Fate fate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    refusals_.push_back([done = std::move(done), fate]() mutable { std::move(done)(fate); });
  }

  // --- Session, on the connection's thread ---

  void OnConnected(Connection* connection) override {
    connection_ = connection;
    amqp_channel_open_t open = {};
    connection->SendMethod(kPublishChannel, AMQP_CHANNEL_OPEN_METHOD, &open);
    amqp_confirm_select_t select = {};
    connection->SendMethod(kPublishChannel, AMQP_CONFIRM_SELECT_METHOD, &select);
    open_deadline_ = Clock::Real()->Monotonic() + options_.rpc_timeout;
  }

  void OnDisconnected() override {
    std::deque<Message> waiting = std::exchange(sending_, {});
    bool was_up = false;
    {
      MutexLock lock(&mutex_);
      was_up = up_;
      up_ = false;
      blocked_ = false;
      std::move(messages_.begin(), messages_.end(), std::back_inserter(waiting));
      messages_.clear();
      waiting_count_ = 0;
      waiting_bytes_ = 0;
    }
    connection_ = nullptr;
    window_.Abandon();
    oldest_tag_ = 0;
    unconfirmed_since_ = 0;
    for (Message& message : waiting) std::move(message.done)(Fate::kUnknown);
    RefuseAll();
    if (was_up && !ending_ && options_.on_down) options_.on_down();
  }

  void RefuseAll() override {
    std::vector<absl::AnyInvocable<void() &&>> refusals;
    {
      MutexLock lock(&mutex_);
      refusals.swap(refusals_);
    }
    for (auto& refusal : refusals) std::move(refusal)();
  }

  bool Send() override {
    RefuseAll();
    if (!up_) return false;
    {
      MutexLock lock(&mutex_);
      if (sending_.empty()) sending_.swap(messages_);
    }
    return SendMessages();
  }

  // True if the socket takes no more.
  bool SendMessages() {
    size_t count = 0;
    size_t bytes = 0;
    bool socket_full = false;
    const auto window_limit = static_cast<size_t>(std::max(1, options_.max_unconfirmed));
    while (!sending_.empty() && !connection_->blocked() && window_.size() < window_limit) {
      socket_full = !connection_->CanSend();
      if (socket_full) break;
      Message message = std::move(sending_.front());
      sending_.pop_front();
      ++count;
      bytes += message.bytes();
      const absl::AlphaNum tag(window_.next_tag());
      BUZZER_CRASH_POINT("publish.before");
      connection_->Publish(kPublishChannel, message.queue, tag.Piece(), message.body);
      BUZZER_CRASH_POINT("publish.after");
      window_.Add(std::move(message.done));
    }
    MutexLock lock(&mutex_);
    waiting_count_ -= count;
    waiting_bytes_ -= bytes;
    // What came while we sent; a full window is drained by a confirm, which brings
    // us here again.
    if (sending_.empty() && !messages_.empty()) thread_.Wake();
    return socket_full;
  }

  absl::Duration CheckDeadlines(absl::Duration now) override {
    if (now >= open_deadline_) {
      connection_->Fail(absl::DeadlineExceededError("the broker did not open a channel in time"));
      return now;
    }
    return std::min(open_deadline_, CheckConfirms(now));
  }

  // A quorum queue without a leader confirms nothing, and may hold up its channel.
  absl::Duration CheckConfirms(absl::Duration now) {
    const bool owing = window_.size() > 0 && !connection_->blocked();
    if (!owing || window_.oldest_tag() != oldest_tag_ || unconfirmed_since_ == 0) {
      oldest_tag_ = window_.oldest_tag();
      oldest_since_ = now;
      late_ = false;
      unconfirmed_since_ = owing ? absl::ToInt64Nanoseconds(now) : 0;
    }
    if (!owing) return absl::InfiniteDuration();
    if (now - oldest_since_ >= options_.confirm_timeout) {
      connection_->Fail(absl::DeadlineExceededError("the broker did not confirm in time"));
    } else if (now - oldest_since_ >= kLateConfirm && !std::exchange(late_, true)) {
      log::Warning("broker_confirms_late",
                   {{"connection", options_.connection_name},
                    {"messages", window_.size()},
                    {"error",
                     "the broker is there and yet confirms nothing, as it does while a queue has "
                     "no leader: most of the nodes that hold it are away"}});
    }
    return oldest_since_ +
           (late_ ? options_.confirm_timeout : std::min(kLateConfirm, options_.confirm_timeout));
  }

  void OnMethod(amqp_channel_t, const amqp_method_t& method) override {
    switch (method.id) {
      case AMQP_CONFIRM_SELECT_OK_METHOD:
        open_deadline_ = absl::InfiniteDuration();
        {
          MutexLock lock(&mutex_);
          up_ = true;
        }
        if (options_.on_up) options_.on_up();
        break;
      case AMQP_BASIC_ACK_METHOD: {
        const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
        window_.Ack(ack->delivery_tag, ack->multiple != 0);
        break;
      }
      case AMQP_BASIC_NACK_METHOD: {
        const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
        window_.Nack(nack->delivery_tag, nack->multiple != 0);
        break;
      }
      case AMQP_CHANNEL_CLOSE_METHOD: {
        // Nothing that we send can earn this but lost permissions.
        const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
        connection_->Fail(StatusOfReply(close->reply_code, View(close->reply_text)));
        break;
      }
      default:
        break;
    }
  }

  // Only a returned message comes with content. Its own method does not name the
  // delivery tag, so each message carries it as its id.
  void OnHeader(amqp_channel_t, const amqp_basic_properties_t& properties, uint64_t) override {
    uint64_t tag = 0;
    if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 &&
        absl::SimpleAtoi(View(properties.message_id), &tag)) {
      window_.MarkReturned(tag);
    }
  }

  void OnBody(amqp_channel_t, absl::string_view) override {}

  void OnBlocked(bool blocked) override { blocked_ = blocked; }

  const Options options_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> up_{false};  // written under mutex_
  std::atomic<bool> blocked_{false};
  // Monotonic nanoseconds; 0: nothing is unconfirmed.
  std::atomic<int64_t> unconfirmed_since_{0};

  Mutex mutex_;
  // All that waits, what the thread has taken but not sent included.
  size_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Message> messages_ ABSL_GUARDED_BY(mutex_);
  // Answers that are known but must be told on the connection's thread. They hold
  // no message, and the thread tells them before all else.
  std::vector<absl::AnyInvocable<void() &&>> refusals_ ABSL_GUARDED_BY(mutex_);

  // On the connection's thread.
  Connection* connection_ = nullptr;
  absl::Duration open_deadline_ = absl::InfiniteDuration();
  ConfirmWindow window_;
  // The oldest unconfirmed message, and since when it is that.
  uint64_t oldest_tag_ = 0;
  absl::Duration oldest_since_;
  bool late_ = false;
  std::deque<Message> sending_;

  // Last, since their callbacks use the others.
  ConnectionThread thread_;
  AdminConnection admin_;
  AdminConnection alone_;
};

}  // namespace

std::unique_ptr<Publisher> Publisher::Start(Options options) {
  return std::make_unique<PublisherImpl>(std::move(options));
}

}  // namespace buzzer::amqp
