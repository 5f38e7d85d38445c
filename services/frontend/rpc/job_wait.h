// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_JOB_WAIT_H_
#define SERVICES_FRONTEND_RPC_JOB_WAIT_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex/mutex.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// One wait for a change of a job, on the watch line. Thread-safe.
class JobWait final : public Watcher,
                      public DrainList::Member,
                      public std::enable_shared_from_this<JobWait> {
 public:
  enum class Until { kChanged, kTerminal };

  // The event that was waited for, or why there is none. The status is DEADLINE_EXCEEDED
  // when the time is up, or there is nothing to wait for (the job is terminal, the server
  // shuts down): the caller then reads the job as it stands. CANCELLED after Cancel.
  // Others are for the client: NOT_FOUND, UNAVAILABLE.
  using Done = std::function<void(absl::StatusOr<v1::JobEvent>)>;

  // Waits for at most `limit`. `done` is called once, on any thread, perhaps before this
  // returns.
  static std::shared_ptr<JobWait> Start(const Parts& parts, const JobTarget& target,
                                        int64_t after_revision, Until until, absl::Duration limit,
                                        Done done);

  // Nobody waits any more.
  void Cancel() { Complete(absl::CancelledError("the client is gone")); }

  void OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                const std::optional<absl::Status>& end) override;
  void OnDrain() override;

 private:
  JobWait(const Parts& parts, Until until, Done done)
      : parts_(parts), until_(until), done_(std::move(done)) {}

  void Begin(const JobTarget& target, int64_t after_revision, absl::Duration limit);
  // The first one counts.
  void Complete(absl::StatusOr<v1::JobEvent> result);

  const Parts& parts_;  // The service's, which outlives its calls.
  const Until until_;
  Mutex mutex_;
  Done done_ ABSL_GUARDED_BY(mutex_);
  int64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  Timers::Id timer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_JOB_WAIT_H_
