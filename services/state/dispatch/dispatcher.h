// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_DISPATCHER_H_
#define SERVICES_STATE_DISPATCH_DISPATCHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/amqp/publisher.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/dispatch/broker/broker_queues.h"
#include "services/state/dispatch/broker/publisher_gate.h"
#include "services/state/dispatch/broker/queue_preparer.h"
#include "services/state/dispatch/dispatch_timer.h"
#include "services/state/dispatch/lanes/dispatch_lane.h"
#include "services/state/dispatch/lanes/lane_table.h"
#include "services/state/dispatch/lost_messages.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/queues/worker_slots.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Brings the outbox to the broker: small messages of one or several jobs, with publisher
// confirms, into one quorum queue for each queue and priority, which it declares. The database
// stays the truth: what is out at the broker is only remembered here, and is dispatched
// again after every reconnection (the broker's queues are purged first, so that they do
// not grow), when a queue had to be declared anew, and when messages seem lost. A
// duplicate is harmless, because the claim decides.
//
// Plans under its lock, where it asks classes that decide and have no lock of their own (LaneTable,
// BrokerQueues, LostMessages), and carries the plan out without the lock.
//
// Thread-safe. Ticks and releases run on the thread of its DispatchTimer, the broker's answers on
// those of the publisher.
class Dispatcher final : public CommitObserver {
 public:
  using StartPublisher = std::function<std::unique_ptr<amqp::Publisher>(amqp::Publisher::Options)>;

  struct Options {
    // Not owned.
    JobStore* store = nullptr;
    const Clock* clock = Clock::Real();
    amqp::Address broker;
    // Broker queues are named PREFIX.QUEUE.high, .normal and .low.
    std::string queue_prefix = "buzzer";
    std::function<WorkerRegistry::QueueWorkers(const std::string& queue)> workers_of;
    // Not owned; null: no worker tells of its slots.
    WorkerSlots* worker_slots = nullptr;
    // amqp::Publisher::Start, unless a test brings its own.
    StartPublisher start_publisher = amqp::Publisher::Start;
    // How often the thread looks at what time brings; held rows and refusals are in seconds.
    absl::Duration tick_interval = absl::Milliseconds(250);
  };

  explicit Dispatcher(Options options);
  ~Dispatcher() override;

  // Connects to the broker. Returns at once; while the broker is down, jobs wait in the
  // outbox.
  void Start();
  void Stop();

  // A queue that may have jobs: declares its broker queues. One that turns out to have jobs is
  // added by itself.
  void AddQueue(const std::string& queue);
  // A queue that has no jobs, and whose place another takes: deletes its broker queues, if the
  // broker is up. Leaves it alone if a job of it has come meanwhile.
  void RemoveQueue(const std::string& queue);
  // Jobs of a paused queue are not dispatched; those out come back by their claims.
  void SetPaused(const std::string& queue, bool paused);

  void OnCommit(const std::vector<JobChange>& changes) override;
  void OnReopen() override;

  struct Stats {
    // Rows out at the broker.
    size_t out = 0;
    bool broker_up = false;
    bool broker_blocked = false;
    // Broker queues that are not declared, or not again since the broker was lost: nothing is
    // dispatched to them.
    size_t queues_unprepared = 0;
    // See amqp::Publisher::unconfirmed_for.
    absl::Duration broker_unconfirmed;
    int64_t published = 0;
    int64_t redispatches = 0;
    // Jobs that lay unclaimed and were offered to workers with idle slots.
    int64_t offered = 0;
  };
  Stats stats() const;

  // One look at what time brings (held rows, lost messages); the thread calls it, and
  // tests do.
  void Tick();

 private:
  // What is to be done outside the lock.
  struct Publishing {
    Lane lane;
    std::string broker_queue;
    std::vector<DispatchLane::Message> messages;
  };
  struct Reading {
    Lane lane;
    DispatchLane::ReadRequest request;
  };
  struct Work {
    std::vector<Publishing> publish;
    std::vector<Reading> read;
  };

  void AddLanes(const std::string& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnBrokerUp();
  void OnBrokerDown();
  // Begins what is next to be done about the broker's queues.
  void PrepareQueues();
  void OnPrepared(const BrokerQueues::Step& step, const absl::Status& status);
  void Inspect(const LostMessages::Inspection& inspection);
  // Tells the lanes that have jobs which workers serve them, and offers what lies unclaimed to
  // those whose slots are idle.
  void CountWorkers();
  void OfferHoarded(const std::string& queue,
                    const std::map<std::string, WorkerSlots::Type>& types);
  void OnFate(const Lane& lane, const std::string& type, const std::vector<JobId>& jobs,
              amqp::Fate fate);
  // What the lane has to do now.
  void Plan(const Lane& lane, LaneTable::Entry& entry, Work* work)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const Work& work);
  void OnRead(const Lane& lane, const DispatchLane::ReadRequest& request,
              absl::StatusOr<std::vector<OutboxEntry>> rows);
  // Sends what has waited for company long enough.
  void Release();

  const Options options_;
  // Thread-safe by themselves: they hold no lock as they call us, so theirs come after mutex_.
  mutable PublisherGate publisher_;
  QueuePreparer preparer_;
  DispatchTimer timer_{options_.tick_interval, [this] { Tick(); }, [this] { Release(); }};
  mutable Mutex mutex_;
  LaneTable lanes_ ABSL_GUARDED_BY(mutex_){options_.queue_prefix};
  BrokerQueues queues_ ABSL_GUARDED_BY(mutex_);
  LostMessages lost_messages_ ABSL_GUARDED_BY(mutex_){&lanes_, &queues_};
  std::set<std::string> paused_ ABSL_GUARDED_BY(mutex_);
  // The broker is connected, and Stop has not been called.
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t published_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t redispatches_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t offered_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_DISPATCHER_H_
