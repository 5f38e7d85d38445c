// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_QUEUE_PROBE_H_
#define COMMON_AMQP_QUEUE_PROBE_H_

#include <amqp.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/amqp/connection.h"
#include "common/amqp/connection_thread.h"
#include "common/mutex/mutex.h"

namespace buzzer::amqp {

// Finds out whether queues can be consumed. A quorum queue that is just being made is known to
// the broker a moment before it is there, and one may have lost its leader: to consume such a
// queue costs the connection, with all that is consumed there. So this does it first, on a
// connection of its own, which comes with the first question and goes when there has been none
// for a while. What a try-out is given goes back to its queue.
//
// Queues that hold something or have consumers are well, the broker would not know it otherwise;
// only the others are tried out, and not before they have been there for half a second.
//
// Thread-safe. Callbacks run on the probe's thread, must not block, and may call back here.
class QueueProbe final : private Session {
 public:
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

  QueueProbe(ConnectionOptions options, absl::Duration rpc_timeout);
  // Ends the connection and joins its thread; questions without an answer are told UNAVAILABLE.
  ~QueueProbe() override;
  QueueProbe(const QueueProbe&) = delete;
  QueueProbe& operator=(const QueueProbe&) = delete;

  // `done` is called exactly once: OK if all of the queues can be consumed; NOT_FOUND if one is
  // not there; DEADLINE_EXCEEDED if the broker does not answer within the timeout; UNAVAILABLE if
  // there is no connection within it, or it was lost, perhaps over one of these; or whatever
  // the broker says. Names have 1 to 255 bytes.
  void Probe(std::vector<std::string> queues, Done done);

 private:
  struct Question {
    std::vector<std::string> queues;
    Done done;  // empty once told
    absl::Duration since;
  };
  // A question that is being answered, on a channel of its own.
  struct Trial {
    enum class State { kAsking, kSettling, kConsuming, kClosing };

    Question question;
    State state = State::kAsking;
    // Answers that the broker owes in this state.
    size_t owed = 0;
    // Told as many queues as have answered; those that seem empty are tried out.
    size_t asked = 0;
    std::vector<std::string> empty;
    // In monotonic time: of the state, or, while settling, when to go on.
    absl::Duration deadline;
  };
  using Trials = std::map<amqp_channel_t, Trial>;

  // Session, on the connection's thread.
  void OnConnected(Connection* connection) override { connection_ = connection; }
  void OnDisconnected() override;
  bool Send() override;
  absl::Duration CheckDeadlines(absl::Duration now) override;
  void RefuseAll() override;
  bool IsWanted() override;
  void OnMethod(amqp_channel_t number, const amqp_method_t& method) override;
  // What a try-out is given is not looked at.
  void OnHeader(amqp_channel_t, const amqp_basic_properties_t&, uint64_t) override {}
  void OnBody(amqp_channel_t, absl::string_view) override {}
  void OnBlocked(bool) override {}

  void TakeQuestions();
  void Begin(amqp_channel_t number, Question question);
  void OnDeclared(amqp_channel_t number, Trial& trial, bool seems_empty);
  void Consume(amqp_channel_t number, Trial& trial);
  // Closes the channel and tells the answer.
  void End(amqp_channel_t number, Trial& trial, absl::Status answer);
  void Tell(Question& question, absl::Status answer);

  const absl::Duration rpc_timeout_;
  std::atomic<bool> ending_{false};

  Mutex mutex_;
  std::deque<Question> asked_ ABSL_GUARDED_BY(mutex_);
  // Bounded by what its owner asks for: a question for each of its queues.
  std::atomic<int64_t> open_questions_{0};

  // On the connection's thread.
  Connection* connection_ = nullptr;
  std::deque<Question> waiting_;
  Trials trials_;
  // When each queue that was never well was first there.
  absl::flat_hash_map<std::string, absl::Duration> seen_;
  absl::Duration idle_since_;

  ConnectionThread thread_;  // last: it uses the others
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_QUEUE_PROBE_H_
