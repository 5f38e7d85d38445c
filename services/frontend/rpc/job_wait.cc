// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/job_wait.h"

#include <utility>

#include "common/job_state/job_state.h"
#include "services/frontend/call_errors.h"

namespace buzzer::frontend {
namespace {

absl::Status TimeIsUp() { return absl::DeadlineExceededError("the wait is over"); }

}  // namespace

std::shared_ptr<JobWait> JobWait::Start(const Parts& parts, const JobTarget& target,
                                        int64_t after_revision, Until until, absl::Duration limit,
                                        Done done) {
  std::shared_ptr<JobWait> wait(new JobWait(parts, until, std::move(done)));
  wait->Begin(target, after_revision, limit);
  return wait;
}

void JobWait::Begin(const JobTarget& target, int64_t after_revision, absl::Duration limit) {
  if (!parts_.watches->up()) {
    Complete(StateUnavailable("the state service cannot be reached"));
    return;
  }
  if (!parts_.drains->Add(shared_from_this())) {
    Complete(TimeIsUp());
    return;
  }
  const Timers::Id timer = parts_.timers->After(limit, [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self != nullptr) self->Complete(TimeIsUp());
  });
  const int64_t watch =
      parts_.watches->Start(target.tenant, target.id, after_revision, shared_from_this());
  if (watch == 0) {
    Complete(StateUnavailable("this server has too many open watches"));
    return;
  }
  {
    MutexLock lock(&mutex_);
    if (done_ != nullptr) {
      watch_ = watch;
      timer_ = timer;
      return;
    }
  }
  // It was over before it had begun.
  parts_.timers->Cancel(timer);
  parts_.watches->Stop(watch);
}

void JobWait::OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                       const std::optional<absl::Status>& end) {
  for (v1::JobEvent& event : events) {
    if (until_ == Until::kTerminal && !IsTerminal(event.state())) continue;
    Complete(std::move(event));
    return;
  }
  if (!end.has_value()) return;
  if (end->ok()) {
    Complete(TimeIsUp());
  } else {
    Complete(*end);
  }
}

void JobWait::OnDrain() { Complete(TimeIsUp()); }

void JobWait::Complete(absl::StatusOr<v1::JobEvent> result) {
  Done done;
  int64_t watch = 0;
  Timers::Id timer;
  {
    MutexLock lock(&mutex_);
    if (done_ == nullptr) return;
    done = std::exchange(done_, nullptr);
    watch = watch_;
    timer = timer_;
  }
  parts_.drains->Remove(this);
  parts_.timers->Cancel(timer);
  parts_.watches->Stop(watch);
  done(std::move(result));
}

}  // namespace buzzer::frontend
