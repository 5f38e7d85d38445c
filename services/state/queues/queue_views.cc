// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/queue_views.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "services/state/boundary/limits.h"

namespace buzzer::state {

void QueueViews::Get(const std::string& tenant, const std::string& queue,
                     JobStore::Callback<v1::Queue> done) const {
  if (!parts_.types->KnowsQueue(queue)) {
    done(ErrorBuilder(absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND",
                      absl::StrCat("no such queue: ", queue))
             .Build());
    return;
  }
  View(tenant, {queue}, [done = std::move(done)](auto queues) mutable {
    if (queues.ok()) {
      done(std::move(queues->front()));
    } else {
      done(queues.status());
    }
  });
}

void QueueViews::List(const std::string& tenant,
                      JobStore::Callback<std::vector<v1::Queue>> done) const {
  View(tenant, parts_.types->Queues(), std::move(done));
}

void QueueViews::View(const std::string& tenant, std::vector<std::string> queues,
                      JobStore::Callback<std::vector<v1::Queue>> done) const {
  parts_.store->ReadCounts([this, tenant, queues = std::move(queues), done = std::move(done)](
                               absl::StatusOr<std::vector<QueueCounts>> counts) mutable {
    if (!counts.ok()) return done(counts.status());
    std::map<std::string, QueueCounts> by_queue;
    for (QueueCounts& row : *counts) {
      if (row.tenant == tenant) by_queue[row.queue] = std::move(row);
    }
    View(std::move(by_queue), std::move(queues), std::move(done));
  });
}

void QueueViews::View(std::map<std::string, QueueCounts> counts, std::vector<std::string> queues,
                      JobStore::Callback<std::vector<v1::Queue>> done) const {
  std::vector<v1::Queue> views;
  for (const std::string& queue : queues) {
    v1::Queue& view = views.emplace_back();
    view.set_name(absl::StrCat("queues/", queue));
    view.set_paused(parts_.types->IsPaused(queue));
    const auto& by_state = counts[queue].by_state;
    view.set_ready(by_state[v1::Job::QUEUED]);
    view.set_running(by_state[v1::Job::RUNNING] + by_state[v1::Job::CANCELLING]);
    view.set_scheduled(by_state[v1::Job::SCHEDULED]);
    view.set_failed(by_state[v1::Job::FAILED]);
    view.set_succeeded(by_state[v1::Job::SUCCEEDED]);
    view.set_cancelled(by_state[v1::Job::CANCELLED]);
    const WorkerRegistry::QueueWorkers workers = parts_.workers->Of(queue);
    view.set_workers(workers.workers);
    view.set_slots(workers.slots);
    view.set_stalled_workers(workers.stalled);
    view.set_stall_reason(workers.stall_reason);
    const QueueRates::Rates rates = parts_.rates->Of(queue);
    view.set_submit_rate(rates.submitted);
    view.set_start_rate(rates.started);
    view.set_end_rate(rates.ended);
    for (std::string& type : parts_.types->TypesOf(queue, kMaxListedTypes)) {
      view.add_types(std::move(type));
    }
    const auto limit = parts_.max_waiting_by_queue.find(queue);
    if (limit != parts_.max_waiting_by_queue.end()) view.set_max_waiting(limit->second);
  }
  parts_.store->ReadOldestReady(
      std::move(queues), [views = std::move(views), now = parts_.clock->Now(),
                          done = std::move(done)](auto oldest) mutable {
        if (!oldest.ok()) {
          done(oldest.status());
          return;
        }
        for (size_t i = 0; i < views.size(); ++i) {
          if (!(*oldest)[i].has_value()) continue;
          *views[i].mutable_oldest_ready_age() =
              ToDuration(std::max(now - *(*oldest)[i], absl::ZeroDuration()));
        }
        done(std::move(views));
      });
}

}  // namespace buzzer::state
