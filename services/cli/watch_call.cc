// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/watch_call.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/grpc/status.h"

namespace buzzer::cli {

WatchCall::WatchCall(v1::JobService::StubInterface* stub, const std::string& job_name,
                     int64_t after_revision) {
  request_.set_name(job_name);
  request_.set_after_revision(after_revision);
  stub->async()->WatchJob(&context_, &request_, this);
  AddHold();
  StartRead(&response_);
  StartCall();
}

WatchCall::~WatchCall() {
  context_.TryCancel();
  MutexLock lock(&mutex_);
  closing_ = true;
  // No read is under way to end, so the hold is ours to give up.
  if (ready_ && std::exchange(held_, false)) RemoveHold();
  while (!status_.has_value()) changed_.Wait(&mutex_);
}

std::optional<v1::JobEvent> WatchCall::Take(absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  MutexLock lock(&mutex_);
  for (absl::Duration left = timeout;
       !ready_ && !status_.has_value() && left > absl::ZeroDuration(); left = end - absl::Now()) {
    changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(left));
  }
  if (!std::exchange(ready_, false)) return std::nullopt;
  v1::JobEvent event = std::move(*response_.mutable_event());
  response_.Clear();
  StartRead(&response_);
  return event;
}

std::optional<absl::Status> WatchCall::status() const {
  MutexLock lock(&mutex_);
  return ready_ ? std::nullopt : status_;
}

void WatchCall::OnReadDone(bool ok) {
  MutexLock lock(&mutex_);
  if (ok && !closing_) {
    ready_ = true;
    changed_.NotifyAll();
  } else if (std::exchange(held_, false)) {
    RemoveHold();
  }
}

void WatchCall::OnDone(const grpc::Status& status) {
  MutexLock lock(&mutex_);
  status_ = FromGrpcStatus(status);
  // Under the lock: the destructor may run as soon as the lock is free.
  changed_.NotifyAll();
}

}  // namespace buzzer::cli
