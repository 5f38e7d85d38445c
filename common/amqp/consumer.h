// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_CONSUMER_H_
#define COMMON_AMQP_CONSUMER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/amqp/address.h"

namespace buzzer::amqp {

// Names one opened channel; never reused within a Consumer, across reconnections
// too, so an ack for a channel that is gone is recognised and dropped.
using ChannelId = uint64_t;

// A message pushed by the broker, not acked yet.
struct Delivery {
  ChannelId channel = 0;
  uint64_t tag = 0;
  std::string queue;
  // Whoever may publish at the broker may send 128 MiB; more than this is not kept.
  static constexpr size_t kMaxBodyBytes = 1 << 20;
  std::string body;
  bool redelivered = false;
};

// Consumes on any number of channels of one connection, apart from the publishing
// one (a memory alarm blocks publishers, not consumers). Owns the connection and
// its thread; reconnects as Publisher does. Queues that were not consumed before, or gave
// trouble, are tried out first, see QueueProbe: that has a connection of its own, `NAME-probe`.
//
// Thread-safe. Callbacks run on the connection's thread, must not block, and may
// call back into the consumer.
class Consumer {
 public:
  struct Options {
    Address address;
    std::string connection_name = "buzzer";
    // Whole seconds. A broker that is silent for two of them is taken for dead; and so is
    // a consumer that stands still, by the broker: until then what was pushed to it is
    // hidden from others.
    absl::Duration heartbeat = absl::Seconds(5);
    absl::Duration connect_timeout = absl::Seconds(5);
    absl::Duration rpc_timeout = absl::Seconds(5);
    // How long a new channel may take until its queues deliver. It is short, since the broker
    // loses a request without a word if the queue's leader dies meanwhile, and a second request
    // goes to the next leader. Queues that were late once get `rpc_timeout` instead: the broker
    // may just be busy.
    absl::Duration start_timeout = absl::Seconds(2);
    // Connected; no channel is open yet: open those that are wanted.
    std::function<void()> on_up;
    // The connection is lost, and with it every channel (on_closed is not called
    // for them): their unacked deliveries go back to their queues.
    std::function<void()> on_down;
    // There is no connection, for this reason, which names every address that was tried. Told
    // again only for another reason, or after a connection.
    std::function<void(const std::string& why)> on_unreachable;
    // The broker delivers on this channel from now on, from all of its queues.
    std::function<void(ChannelId)> on_consuming;
    std::function<void(Delivery)> on_delivery;
    // A channel is gone for another reason than Close: NOT_FOUND (a queue does not
    // exist yet, or was deleted), DEADLINE_EXCEEDED (the broker did not start to
    // deliver within 2 s or, from the second time on, `rpc_timeout`), or whatever the broker
    // says. Its deliveries went back.
    std::function<void(ChannelId, absl::Status)> on_closed;
  };

  // Starts connecting; does not wait for it.
  static std::unique_ptr<Consumer> Start(Options options);

  // Closes the connection (unacked deliveries go back) and joins the thread.
  // Takes at most some seconds, with a broker that hangs too.
  virtual ~Consumer() = default;

  // Opens a channel and consumes from each of `queues` with at most `prefetch`
  // unacked deliveries (1 to 65535) from each. Returns at once; failure comes by
  // on_closed. While not connected, the channel counts as lost with the connection.
  virtual ChannelId Open(std::vector<std::string> queues, int prefetch) = 0;

  // Acks one delivery; nothing happens if its channel is gone.
  virtual void Ack(ChannelId channel, uint64_t tag) = 0;

  // Closes the channel: its unacked deliveries go back to their queues' heads, and
  // on_closed is not called. After this returned no delivery of it is told, but for
  // one that another thread is being told meanwhile.
  virtual void Close(ChannelId channel) = 0;

  virtual bool up() const = 0;
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_CONSUMER_H_
