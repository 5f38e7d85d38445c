// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SUPPORT_SERVED_STATE_H_
#define TESTS_SUPPORT_SERVED_STATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock/clock.h"
#include "common/grpc/server.h"
#include "services/state/dispatch/dispatcher.h"
#include "services/state/queues/queue_rates.h"
#include "services/state/queues/queue_views.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/wait_reasons.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/rpc/state_service.h"
#include "services/state/store/job_store.h"
#include "services/state/watch/job_event_hub.h"
#include "tests/fakes/fake_publisher.h"

namespace buzzer::state {

// The real StateService on a free port, over a test's own store and clock, with a broker in
// memory. It observes the store, so it must outlive it: StopServing, close the store, and only
// then let go of this. Thread-safe.
class ServedState final {
 public:
  // Not owned: both.
  ServedState(JobStore* store, const Clock* clock);
  ~ServedState();

  std::string address() const;
  void StopServing();

  // A worker has announced this type, and is not connected any more.
  void Announce(const std::string& type, const std::string& queue);
  // A worker of this number is connected, and takes jobs of this type.
  void Connect(int64_t worker, const std::string& type, const std::string& queue);

  testing::FakeBroker& broker() { return broker_; }
  TypeRegistry& types() { return types_; }
  WorkerRegistry& workers() { return workers_; }
  const JobEventHub& hub() const { return hub_; }

 private:
  Dispatcher::Options DispatcherOptions(JobStore* store, const Clock* clock);

  const Clock* const clock_;
  testing::FakeBroker broker_;
  WorkerRegistry workers_;
  const WaitReasons waits_;
  Dispatcher dispatcher_;
  JobEventHub hub_;
  QueueRates rates_;
  TypeRegistry types_;
  QueueViews queues_;
  StateService service_;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace buzzer::state

#endif  // TESTS_SUPPORT_SERVED_STATE_H_
