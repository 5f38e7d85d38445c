// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_QUEUE_VIEWS_H_
#define SERVICES_STATE_QUEUES_QUEUE_VIEWS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "buzzer/v1/queue_service.pb.h"
#include "common/clock/clock.h"
#include "services/state/queues/queue_rates.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Puts together what is shown of queues. Costs the same whatever waits in them.
// Thread-safe.
class QueueViews {
 public:
  // Not owned.
  struct Parts {
    JobStore* store = nullptr;
    const TypeRegistry* types = nullptr;
    const WorkerRegistry* workers = nullptr;
    const QueueRates* rates = nullptr;
    const Clock* clock = Clock::Real();
    std::map<std::string, int64_t> max_waiting_by_queue;
  };
  explicit QueueViews(Parts parts) : parts_(std::move(parts)) {}

  // Error: NOT_FOUND QUEUE_NOT_FOUND. `done` is called on a thread of the store.
  void Get(const std::string& tenant, const std::string& queue,
           JobStore::Callback<v1::Queue> done) const;
  // All of them, by name.
  void List(const std::string& tenant, JobStore::Callback<std::vector<v1::Queue>> done) const;

 private:
  void View(const std::string& tenant, std::vector<std::string> queues,
            JobStore::Callback<std::vector<v1::Queue>> done) const;
  // `counts` are the tenant's, by queue.
  void View(std::map<std::string, QueueCounts> counts, std::vector<std::string> queues,
            JobStore::Callback<std::vector<v1::Queue>> done) const;

  const Parts parts_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_QUEUE_VIEWS_H_
