// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_ATTEMPT_H_
#define SERVICES_WORKER_ATTEMPT_H_

#include <string>

#include "absl/time/time.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/worker/handler.h"
#include "services/worker/lease_ref.h"
#include "services/worker/progress.h"
#include "services/worker/repeated_fault.h"

namespace buzzer::worker {

// Why a running handler was asked to stop.
enum class StopCause {
  kNone,
  kCancelRequested,
  kAttemptTimeout,
  // The worker ends.
  kDraining,
  // The state service was silent beyond the limit.
  kStateOutage,
  // Somebody else may run the job now; whatever the handler returns is dropped.
  kLeaseLost,
};

// For logs.
const char* StopCauseName(StopCause cause);

// One granted attempt, from the grant until its outcome is settled. Thread-safe.
class Attempt final : public JobContext {
 public:
  // `pacer` is not owned; the rest is what the claim said and what it was granted.
  Attempt(const JobId& id, internal::v1::Granted granted, absl::Duration grace,
          absl::Duration started, ProgressPacer* pacer);

  const Job& job() const override { return job_; }
  const LeaseRef& lease() const { return lease_; }
  // Zero: no limit.
  absl::Duration timeout() const { return timeout_; }
  // When it was granted, on the monotonic clock.
  absl::Duration started() const { return started_; }

  void ReportProgress(v1::Progress progress) override;
  bool cancelled() const override;
  bool WaitForCancel(absl::Duration timeout) override;
  void Observe(AttemptObserver* observer) override;

  // Asks the handler to stop, once. The first cause counts, but for kLeaseLost, which
  // always does. Nothing happens if the handler has returned.
  void Stop(StopCause cause);

  // The worker lives.
  void Heartbeat();

  // The handler has returned, or never runs: nothing stops it any more. Returns why it
  // was asked to, if it was.
  StopCause Close();

 private:
  const Job job_;
  const LeaseRef lease_;
  const absl::Duration timeout_;
  const absl::Duration started_;
  ProgressPacer* const pacer_;

  mutable Mutex mutex_;
  CondVar changed_;
  StopCause cause_ ABSL_GUARDED_BY(mutex_) = StopCause::kNone;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  AttemptObserver* observer_ ABSL_GUARDED_BY(mutex_) = nullptr;
  RepeatedFault dropped_data_ ABSL_GUARDED_BY(mutex_){"progress_data_dropped", &job_};
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_ATTEMPT_H_
