// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_PUBLISHER_H_
#define COMMON_AMQP_PUBLISHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/amqp/address.h"

namespace buzzer::amqp {

// What became of a published message.
enum class Fate {
  // The broker has it in a queue, on disk.
  kConfirmed,
  // No such queue (basic.return before the ack).
  kReturned,
  // The broker refused it (basic.nack), or too much waits here already.
  kRejected,
  // The connection went before the answer came: nobody knows.
  kUnknown,
};

// What the broker says of a queue.
struct QueueInfo {
  int64_t ready = 0;  // messages that no consumer holds
  int64_t consumers = 0;
};

// Which connection an administrative call takes.
enum class Line {
  // With others: if the connection ends, any of those under way may be why.
  kShared,
  // One call at a time: whichever is told ABORTED is the only one that can be why.
  kAlone,
};

// Publishes to the default exchange with confirms and `mandatory`, and does what
// little administration goes with it. Owns its connections and the threads that
// drive them; reconnects by itself (see ConnectionThread) and logs
// `broker_up` and `broker_down`. Never blocks for ever: connecting, login, RPCs
// and a stuck socket all have deadlines; nothing is published while the broker has
// blocked the connection. Administration has connections of its own, named `NAME-admin` and
// `NAME-alone`, as long as there is any: neither its faults nor its waits are those of publishing.
//
// Thread-safe. Every callback runs on a connection's thread and must not block;
// it may call back into the publisher, but what it asks for while the publisher is
// being destroyed may go unanswered. `done` callbacks must not be empty.
class Publisher {
 public:
  struct Options {
    Address address;
    // Shown in the broker's management pages.
    std::string connection_name = "buzzer";
    // Whole seconds. A broker that is silent for two of them is taken for dead.
    absl::Duration heartbeat = absl::Seconds(10);
    absl::Duration connect_timeout = absl::Seconds(5);
    absl::Duration rpc_timeout = absl::Seconds(5);
    // A broker that takes longer to confirm the oldest message is given up: the
    // connection is made anew. The time of a memory or disk alarm does not count.
    absl::Duration confirm_timeout = absl::Seconds(30);
    // Published and not confirmed yet, at most; more wait in our queue.
    int max_unconfirmed = 1000;
    // Called after each (re)connection, once the channel confirms.
    std::function<void()> on_up;
    // Called when the connection is lost; every message under way has been told
    // kUnknown before.
    std::function<void()> on_down;
  };

  // Starts connecting; does not wait for it.
  static std::unique_ptr<Publisher> Start(Options options);

  // Closes the connection and joins the thread; what is under way is told
  // kUnknown (UNAVAILABLE) first, on_down is not called. Takes at most some
  // seconds, with a broker that hangs too.
  virtual ~Publisher() = default;

  // Publishes `body`, persistent, to `queue`. `done` is called exactly once. While
  // not connected: kUnknown, without waiting for a connection. At most 100 000
  // messages or 64 MiB wait for the broker; beyond that: kRejected, at once.
  virtual void Publish(std::string queue, std::string body,
                       absl::AnyInvocable<void(Fate) &&> done) = 0;

  // Declares a durable quorum queue with the one set of arguments that we use, and tells what it
  // holds: nothing, the broker says, of a queue without a leader.
  // FAILED_PRECONDITION if it exists with others. Here and below: UNAVAILABLE when there is no
  // connection, or no answer, within `rpc_timeout`; RESOURCE_EXHAUSTED when 10 000 calls wait;
  // INVALID_ARGUMENT for a name that is empty or longer than 255 bytes; ABORTED if the
  // connection ended during the call, perhaps because of it.
  virtual void Declare(std::string queue, Line line,
                       absl::AnyInvocable<void(absl::StatusOr<QueueInfo>) &&> done) = 0;

  // NOT_FOUND if there is no such queue.
  virtual void Inspect(std::string queue,
                       absl::AnyInvocable<void(absl::StatusOr<QueueInfo>) &&> done) = 0;

  // Drops every ready message of the queue. NOT_FOUND if there is no such queue.
  virtual void Purge(std::string queue, Line line,
                     absl::AnyInvocable<void(absl::Status) &&> done) = 0;

  // Deletes the queue with its messages; its consumers are told. OK if there is none.
  virtual void Delete(std::string queue, Line line,
                      absl::AnyInvocable<void(absl::Status) &&> done) = 0;

  // Whether connected now.
  virtual bool up() const = 0;
  // Whether the broker has told us to stop publishing (memory or disk alarm).
  virtual bool blocked() const = 0;
  // How long the broker has owed the confirm that it has owed longest; zero if it owes none, or
  // is blocked. After some seconds it is logged as well, as `broker_confirms_late`.
  virtual absl::Duration unconfirmed_for() const = 0;
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_PUBLISHER_H_
