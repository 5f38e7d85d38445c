// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_WAIT_REASONS_H_
#define SERVICES_STATE_QUEUES_WAIT_REASONS_H_

#include "buzzer/v1/job.pb.h"
#include "common/job_state/job_state.h"
#include "services/state/job/job_record.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/worker_registry.h"

namespace buzzer::state {

// Knows why a waiting job is not about to run (Job.wait_reason): as of the moment of the question,
// from memory. Thread-safe.
class WaitReasons {
 public:
  // Not owned.
  WaitReasons(const TypeRegistry* types, const WorkerRegistry* workers)
      : types_(types), workers_(workers) {}

  v1::Job::WaitReason Of(const JobRecord& job) const {
    if (!IsWaiting(job.state)) return v1::Job::WAIT_REASON_UNSPECIFIED;
    if (types_->IsPaused(job.queue)) return v1::Job::QUEUE_PAUSED;
    return workers_->Takes(job.type(), job.queue) ? v1::Job::WAIT_REASON_UNSPECIFIED
                                                  : v1::Job::NO_WORKER;
  }

  // The public form of a job, basic view, with its reason.
  v1::Job Show(const JobRecord& job) const {
    v1::Job shown = ToProto(job);
    shown.set_wait_reason(Of(job));
    return shown;
  }

 private:
  const TypeRegistry* const types_;
  const WorkerRegistry* const workers_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_WAIT_REASONS_H_
