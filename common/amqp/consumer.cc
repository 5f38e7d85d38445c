// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/consumer.h"

#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/amqp/connection.h"
#include "common/amqp/connection_thread.h"
#include "common/amqp/queue_probe.h"
#include "common/clock/clock.h"
#include "common/fault_points/fault_points.h"
#include "common/mutex/mutex.h"

namespace buzzer::amqp {
namespace {

// A channel that the broker does not close hides its deliveries from idle
// consumers; losing the connection frees them.
constexpr absl::Duration kCloseTimeout = absl::Seconds(30);
constexpr size_t kMaxQueueName = 255;  // an AMQP short string

struct OpenCommand {
  ChannelId id;
  std::vector<std::string> queues;
  int prefetch;
  // What the probe said of the queues; UNKNOWN: it was not asked.
  absl::Status probed;
};
struct AckCommand {
  ChannelId id;
  uint64_t tag;
};
struct CloseCommand {
  ChannelId id;
};
using Command = std::variant<OpenCommand, AckCommand, CloseCommand>;

// A channel number in use at the broker.
struct Channel {
  enum class State { kOpening, kOpen, kClosing };

  ChannelId id = 0;
  State state = State::kOpening;
  std::vector<std::string> queues;
  size_t consumers = 0;  // that the broker has confirmed
  // Of opening or closing, in monotonic time.
  absl::Duration deadline = absl::InfiniteDuration();
  // The message that is coming in.
  Delivery incoming;
  uint64_t incoming_left = 0;
};

class ConsumerImpl final : public Consumer, private Session {
 public:
  explicit ConsumerImpl(Options options)
      : options_(std::move(options)),
        thread_(Connecting(""), this),
        probe_(Connecting("-probe"), options_.rpc_timeout) {
    thread_.Start();
  }

  ~ConsumerImpl() override {
    ending_ = true;
    thread_.Stop();
  }

  ChannelId Open(std::vector<std::string> queues, int prefetch) override {
    MutexLock lock(&mutex_);
    const ChannelId id = ++last_id_;
    if (up_) {
      live_.insert(id);
      Enqueue(OpenCommand{id, std::move(queues), prefetch, absl::UnknownError("")});
    }
    return id;
  }

  void Ack(ChannelId channel, uint64_t tag) override {
    MutexLock lock(&mutex_);
    if (live_.count(channel) != 0) Enqueue(AckCommand{channel, tag});
  }

  void Close(ChannelId channel) override {
    MutexLock lock(&mutex_);
    if (live_.erase(channel) != 0) Enqueue(CloseCommand{channel});
  }

  bool up() const override { return up_; }

 private:
  ConnectionOptions Connecting(const char* suffix) const {
    return {options_.address, absl::StrCat(options_.connection_name, suffix), options_.heartbeat,
            options_.connect_timeout};
  }

  void Enqueue(Command command) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    commands_.push_back(std::move(command));
    thread_.Wake();
  }

  // --- Session, on the connection's thread ---

  void OnConnected(Connection* connection) override {
    connection_ = connection;
    {
      MutexLock lock(&mutex_);
      up_ = true;
    }
    if (options_.on_up) options_.on_up();
  }

  void OnDisconnected() override {
    {
      MutexLock lock(&mutex_);
      up_ = false;
      live_.clear();
      commands_.clear();
    }
    connection_ = nullptr;
    sending_.clear();
    for (const auto& [number, channel] : channels_) {
      // One of those may be why.
      if (channel.state == Channel::State::kOpening) Doubt(channel);
    }
    channels_.clear();
    numbers_.clear();
    if (!ending_ && options_.on_down) options_.on_down();
  }

  void OnUnreachable(const std::string& why) override {
    if (!ending_ && options_.on_unreachable) options_.on_unreachable(why);
  }

  // Nothing is asked while there is no connection.
  void RefuseAll() override {}

  bool Send() override {
    {
      MutexLock lock(&mutex_);
      std::move(commands_.begin(), commands_.end(), std::back_inserter(sending_));
      commands_.clear();
    }
    while (!sending_.empty()) {
      if (!connection_->CanSend()) return true;
      const Command command = std::move(sending_.front());
      sending_.pop_front();
      std::visit([this](const auto& c) { Execute(c); }, command);
    }
    return false;
  }

  // Sent in one go: the broker takes them in order, so a channel consumes one trip
  // after it was asked for.
  void Execute(const OpenCommand& command) {
    for (const std::string& queue : command.queues) {
      if (queue.empty() || queue.size() > kMaxQueueName) {
        return TellClosed(command.id,
                          absl::InvalidArgumentError("a broker queue's name has 1 to 255 bytes"));
      }
    }
    if (!absl::IsUnknown(command.probed)) {
      if (!command.probed.ok()) return TellClosed(command.id, command.probed);
      consumable_.insert(command.queues.begin(), command.queues.end());
    } else if (!IsConsumable(command.queues)) {
      return Probe(command);
    }
    const amqp_channel_t number = FreeNumber();
    if (number == 0) {
      return TellClosed(command.id,
                        absl::ResourceExhaustedError("all channels of the connection are open"));
    }
    Channel& channel = channels_[number];
    channel.id = command.id;
    channel.queues = command.queues;
    const bool was_late =
        std::any_of(command.queues.begin(), command.queues.end(),
                    [this](const std::string& queue) { return late_.contains(queue); });
    channel.deadline =
        Clock::Real()->Monotonic() + (was_late ? options_.rpc_timeout : options_.start_timeout);
    numbers_[command.id] = number;

    amqp_channel_open_t open = {};
    connection_->SendMethod(number, AMQP_CHANNEL_OPEN_METHOD, &open);
    amqp_basic_qos_t qos = {};
    // 0 would mean no limit.
    qos.prefetch_count = static_cast<uint16_t>(std::clamp(command.prefetch, 1, 65535));
    connection_->SendMethod(number, AMQP_BASIC_QOS_METHOD, &qos);
    for (size_t i = 0; i < command.queues.size(); ++i) {
      amqp_basic_consume_t consume = {};
      consume.queue = Bytes(command.queues[i]);
      const absl::AlphaNum tag(i);
      consume.consumer_tag = Bytes(tag.Piece());
      connection_->SendMethod(number, AMQP_BASIC_CONSUME_METHOD, &consume);
    }
  }

  bool IsConsumable(const std::vector<std::string>& queues) const {
    return std::all_of(queues.begin(), queues.end(),
                       [this](const std::string& queue) { return consumable_.contains(queue); });
  }

  // Comes back with what it says, unless the channel is not wanted any more by then.
  void Probe(const OpenCommand& command) {
    probe_.Probe(command.queues,
                 [this, command = OpenCommand(command)](absl::Status answer) mutable {
                   command.probed = std::move(answer);
                   MutexLock lock(&mutex_);
                   if (live_.contains(command.id)) Enqueue(std::move(command));
                 });
  }

  // The next time its queues are tried out first.
  void Doubt(const Channel& channel) {
    for (const std::string& queue : channel.queues) consumable_.erase(queue);
  }

  void Execute(const AckCommand& command) {
    const auto number = numbers_.find(command.id);
    if (number == numbers_.end()) return;
    amqp_basic_ack_t ack = {};
    ack.delivery_tag = command.tag;
    BUZZER_CRASH_POINT("ack.before");
    connection_->SendMethod(number->second, AMQP_BASIC_ACK_METHOD, &ack);
    BUZZER_CRASH_POINT("ack.after");
  }

  void Execute(const CloseCommand& command) {
    const auto number = numbers_.find(command.id);
    if (number != numbers_.end()) StartClosing(number->second);
  }

  // The lowest, so that the library's memory for each number is used again; 0 if
  // there is none.
  amqp_channel_t FreeNumber() const {
    int number = 1;
    for (const auto& [used, channel] : channels_) {
      if (used != number) break;
      ++number;
    }
    return number <= connection_->channel_max() ? static_cast<amqp_channel_t>(number) : 0;
  }

  // The number stays in use until the broker answers.
  void StartClosing(amqp_channel_t number) {
    Channel& channel = channels_[number];
    channel.state = Channel::State::kClosing;
    channel.deadline = Clock::Real()->Monotonic() + kCloseTimeout;
    numbers_.erase(channel.id);
    amqp_channel_close_t close = {};
    close.reply_code = AMQP_REPLY_SUCCESS;
    connection_->SendMethod(number, AMQP_CHANNEL_CLOSE_METHOD, &close);
  }

  void TellClosed(ChannelId id, absl::Status reason) {
    {
      MutexLock lock(&mutex_);
      if (live_.erase(id) == 0) return;  // closed by its owner meanwhile
    }
    if (options_.on_closed) options_.on_closed(id, std::move(reason));
  }

  bool IsLive(ChannelId id) {
    MutexLock lock(&mutex_);
    return live_.count(id) != 0;
  }

  absl::Duration CheckDeadlines(absl::Duration now) override {
    absl::Duration next = absl::InfiniteDuration();
    for (auto& [number, channel] : channels_) {
      if (now >= channel.deadline) {
        if (channel.state == Channel::State::kClosing) {
          connection_->Fail(absl::DeadlineExceededError("the broker did not close a channel"));
          return now;
        }
        Doubt(channel);
        late_.insert(channel.queues.begin(), channel.queues.end());
        StartClosing(number);
        TellClosed(channel.id,
                   absl::DeadlineExceededError("the broker did not start to deliver in time"));
      }
      next = std::min(next, channel.deadline);
    }
    return next;
  }

  void OnMethod(amqp_channel_t number, const amqp_method_t& method) override {
    const auto found = channels_.find(number);
    if (found == channels_.end()) return;
    Channel& channel = found->second;
    const bool closing = channel.state == Channel::State::kClosing;
    switch (method.id) {
      case AMQP_BASIC_CONSUME_OK_METHOD:
        if (!closing && ++channel.consumers == channel.queues.size()) {
          channel.state = Channel::State::kOpen;
          channel.deadline = absl::InfiniteDuration();
          for (const std::string& queue : channel.queues) late_.erase(queue);
          if (options_.on_consuming && IsLive(channel.id)) options_.on_consuming(channel.id);
        }
        break;
      case AMQP_BASIC_DELIVER_METHOD: {
        const auto* deliver = static_cast<const amqp_basic_deliver_t*>(method.decoded);
        channel.incoming = {};
        channel.incoming.channel = channel.id;
        channel.incoming.tag = deliver->delivery_tag;
        channel.incoming.queue = QueueOf(channel, View(deliver->consumer_tag));
        channel.incoming.redelivered = deliver->redelivered != 0;
        break;
      }
      case AMQP_BASIC_CANCEL_METHOD: {
        if (closing) break;
        const auto* cancel = static_cast<const amqp_basic_cancel_t*>(method.decoded);
        const std::string queue = QueueOf(channel, View(cancel->consumer_tag));
        const ChannelId id = channel.id;
        Doubt(channel);
        StartClosing(number);
        TellClosed(id, absl::NotFoundError(absl::StrCat("queue '", queue, "' was deleted")));
        break;
      }
      case AMQP_CHANNEL_CLOSE_METHOD: {
        const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
        absl::Status reason = StatusOfReply(close->reply_code, View(close->reply_text));
        amqp_channel_close_ok_t close_ok = {};
        connection_->SendMethod(number, AMQP_CHANNEL_CLOSE_OK_METHOD, &close_ok);
        // When both sides close, ours is answered still.
        if (closing) break;
        const ChannelId id = channel.id;
        Doubt(channel);
        numbers_.erase(id);
        channels_.erase(found);
        TellClosed(id, std::move(reason));
        break;
      }
      case AMQP_CHANNEL_CLOSE_OK_METHOD:
        channels_.erase(found);
        break;
      default:
        break;
    }
  }

  // Consumer tags are the queues' places in Open's list.
  static std::string QueueOf(const Channel& channel, absl::string_view consumer_tag) {
    size_t index = 0;
    if (!absl::SimpleAtoi(consumer_tag, &index) || index >= channel.queues.size()) return "";
    return channel.queues[index];
  }

  void OnHeader(amqp_channel_t number, const amqp_basic_properties_t&,
                uint64_t body_size) override {
    const auto found = channels_.find(number);
    if (found == channels_.end()) return;
    found->second.incoming_left = body_size;
    found->second.incoming.body.reserve(std::min<uint64_t>(body_size, Delivery::kMaxBodyBytes));
    if (body_size == 0) Deliver(&found->second);
  }

  void OnBody(amqp_channel_t number, absl::string_view piece) override {
    const auto found = channels_.find(number);
    if (found == channels_.end()) return;
    Channel& channel = found->second;
    std::string& body = channel.incoming.body;
    body.append(piece.data(), std::min(piece.size(), Delivery::kMaxBodyBytes - body.size()));
    channel.incoming_left -= std::min<uint64_t>(piece.size(), channel.incoming_left);
    if (channel.incoming_left == 0) Deliver(&channel);
  }

  void Deliver(Channel* channel) {
    Delivery delivery = std::exchange(channel->incoming, {});
    if (options_.on_delivery && IsLive(delivery.channel)) {
      options_.on_delivery(std::move(delivery));
    }
  }

  void OnBlocked(bool) override {}  // concerns those who publish

  const Options options_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> up_{false};  // written under mutex_

  Mutex mutex_;
  ChannelId last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  // Opened and not closed by anyone. What is not here gets no delivery and no ack.
  std::unordered_set<ChannelId> live_ ABSL_GUARDED_BY(mutex_);
  // Bounded by what callers hold: opened channels and unacked deliveries.
  std::deque<Command> commands_ ABSL_GUARDED_BY(mutex_);

  // On the connection's thread.
  Connection* connection_ = nullptr;
  std::deque<Command> sending_;
  std::map<amqp_channel_t, Channel> channels_;
  std::unordered_map<ChannelId, amqp_channel_t> numbers_;  // of channels not closing
  // Queues that were consumed, here or by the probe, and gave no trouble since.
  std::unordered_set<std::string> consumable_;
  // Queues that did not start to deliver in time, and have not since.
  std::unordered_set<std::string> late_;

  // Last, since they use the others.
  ConnectionThread thread_;
  QueueProbe probe_;
};

}  // namespace

std::unique_ptr<Consumer> Consumer::Start(Options options) {
  return std::make_unique<ConsumerImpl>(std::move(options));
}

}  // namespace buzzer::amqp
