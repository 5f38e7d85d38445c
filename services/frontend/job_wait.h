// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_JOB_WAIT_H_
#define SERVICES_FRONTEND_JOB_WAIT_H_

#include <grpcpp/alarm.h>

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/job_id/job_id.h"
#include "common/mutex/mutex.h"
#include "services/frontend/watch_line.h"

namespace buzzer::frontend {

// Waits for one job on the watch line: until it has a revision above a given one, or until
// it is terminal, or until the time is over. Thread-safe.
class JobWait final : public WatchListener, public std::enable_shared_from_this<JobWait> {
 public:
  enum class Until { kChanged, kTerminal };
  // OK: it happened, or the time is over. CANCELLED after Cancel. Else why the watch
  // failed. Called once, on one of gRPC's threads.
  using Done = absl::AnyInvocable<void(absl::Status)>;

  // Not owned: the line. Keeps itself alive until done.
  static std::shared_ptr<JobWait> Start(WatchLine* line, std::string tenant, JobId job,
                                        int64_t after_revision, Until until, absl::Duration timeout,
                                        Done done);

  void Cancel() { End(absl::CancelledError("the caller is gone")); }

  void OnEvent(const v1::JobEvent& event) override;
  void OnEnd(const absl::Status& status) override { End(status); }

 private:
  JobWait(WatchLine* line, Until until, Done done)
      : line_(line), until_(until), done_(std::move(done)) {}
  void End(absl::Status status);

  WatchLine* const line_;
  const Until until_;
  grpc::Alarm alarm_;
  Mutex mutex_;
  Done done_ ABSL_GUARDED_BY(mutex_);
  int64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_JOB_WAIT_H_
