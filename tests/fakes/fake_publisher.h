// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_PUBLISHER_H_
#define TESTS_FAKES_FAKE_PUBLISHER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/amqp/publisher.h"
#include "common/job_id/job_id.h"
#include "common/mutex/mutex.h"

namespace buzzer::testing {

// A broker in memory that does what a test tells it. It lives longer than the publishers
// that are made on it, and keeps its queues while it is down. Callbacks run on whichever
// thread makes them due, and never under its lock. Thread-safe.
class FakeBroker {
 public:
  // For Dispatcher::Options::start_publisher. The connection is down until SetUp.
  std::unique_ptr<amqp::Publisher> Start(amqp::Publisher::Options options);

  // The connection comes, or goes: what waits for a confirm is told kUnknown.
  void SetUp(bool up);
  void SetBlocked(bool blocked);

  // Whether messages are confirmed at once (so from the start); those that came while not
  // wait for Settle.
  void SetConfirming(bool confirming);
  // Tells each message that waits for its confirm what became of it.
  void Settle(amqp::Fate fate);
  // What becomes of messages from now on that would be confirmed, e.g. kRejected.
  void SetFate(amqp::Fate fate);

  // Somebody deletes the queue; messages to it come back.
  void DeleteQueue(const std::string& queue);
  // The queue is there and yet is not: until it is deleted it costs the connection on which it is
  // declared, so that calls on a shared one are ABORTED whatever they ask for.
  void BreakQueue(const std::string& queue);
  // The queue has no leader: it seems empty to whoever declares it.
  void LoseLeader(const std::string& queue);
  // The connection is lost during each purge of the queue.
  void RefusePurge(const std::string& queue);
  // The broker forgets messages, but not the queue.
  void LoseMessages(const std::string& queue);
  // A consumer takes the message at the head, for good: its jobs; none if there is none.
  std::vector<JobId> Take(const std::string& queue);

  // The jobs whose messages are ready in the queue, in order; one that cannot be read counts
  // as a job of no id.
  std::vector<JobId> Ready(const std::string& queue) const;
  bool HasQueue(const std::string& queue) const;
  int declares(const std::string& queue) const;
  // Those of them that were alone on their connection.
  int declares_alone(const std::string& queue) const;
  int deletes(const std::string& queue) const;
  int purges(const std::string& queue) const;
  int inspections(const std::string& queue) const;
  int64_t published() const;

  // Waits until the condition holds, looking after each thing that happens here; false
  // if it does not within a minute, which only a failing test meets.
  bool Await(const std::function<bool()>& condition) const;
  bool AwaitReady(const std::string& queue, size_t messages) const;

 private:
  friend class FakePublisher;
  struct Queue {
    bool exists = false;
    bool broken = false;
    bool leaderless = false;
    bool unpurgeable = false;
    std::deque<std::string> messages;
    int declares = 0;
    int declares_alone = 0;
    int deletes = 0;
    int purges = 0;
    int inspections = 0;
  };
  struct Unconfirmed {
    std::string queue;
    std::string body;
    absl::AnyInvocable<void(amqp::Fate) &&> done;
  };

  void Publish(std::string queue, std::string body, absl::AnyInvocable<void(amqp::Fate) &&> done);
  void Declare(const std::string& queue, amqp::Line line,
               absl::AnyInvocable<void(absl::StatusOr<amqp::QueueInfo>) &&> done);
  void Inspect(const std::string& queue,
               absl::AnyInvocable<void(absl::StatusOr<amqp::QueueInfo>) &&> done);
  void Purge(const std::string& queue, absl::AnyInvocable<void(absl::Status) &&> done);
  bool up() const;
  bool blocked() const;
  void Close();
  // Puts the message into its queue if the fate is kConfirmed and the queue is there.
  amqp::Fate Deliver(const std::string& queue, std::string body, amqp::Fate fate)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::map<std::string, Queue> queues_ ABSL_GUARDED_BY(mutex_);
  std::deque<Unconfirmed> unconfirmed_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_up_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_down_ ABSL_GUARDED_BY(mutex_);
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
  bool blocked_ ABSL_GUARDED_BY(mutex_) = false;
  bool confirming_ ABSL_GUARDED_BY(mutex_) = true;
  amqp::Fate fate_ ABSL_GUARDED_BY(mutex_) = amqp::Fate::kConfirmed;
  int64_t published_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::testing

#endif  // TESTS_FAKES_FAKE_PUBLISHER_H_
