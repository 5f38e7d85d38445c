// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/attempt.h"

#include <chrono>
#include <utility>

#include "common/limits/limits.h"
#include "common/log/log.h"
#include "services/worker/durations.h"

namespace buzzer::worker {
namespace {

Job ToJob(const JobId& id, internal::v1::Granted& granted, absl::Duration grace) {
  Job job;
  job.id = id;
  job.type = granted.type();
  job.queue = granted.queue();
  job.tenant = granted.tenant();
  job.attempt = granted.attempt();
  job.last_attempt = granted.last_attempt();
  job.payload = std::move(*granted.mutable_payload());
  job.payload_content_type = granted.payload_content_type();
  job.labels.insert(granted.labels().begin(), granted.labels().end());
  if (granted.has_checkpoint()) job.checkpoint = std::move(*granted.mutable_checkpoint());
  job.lease = granted.has_lease() ? FromProto(granted.lease()) : kDefaultLease;
  job.grace = grace;
  return job;
}

absl::Duration Timeout(const internal::v1::Granted& granted) {
  return granted.has_attempt_timeout() ? FromProto(granted.attempt_timeout())
                                       : absl::ZeroDuration();
}

}  // namespace

const char* StopCauseName(StopCause cause) {
  switch (cause) {
    case StopCause::kNone:
      return "none";
    case StopCause::kCancelRequested:
      return "cancel requested";
    case StopCause::kAttemptTimeout:
      return "attempt timeout";
    case StopCause::kDraining:
      return "worker ends";
    case StopCause::kStateOutage:
      return "state service silent beyond the limit";
    case StopCause::kLeaseLost:
      return "lease lost";
  }
  return "";
}

Attempt::Attempt(const JobId& id, internal::v1::Granted granted, absl::Duration grace,
                 absl::Duration started, ProgressPacer* pacer)
    : job_(ToJob(id, granted, grace)),
      lease_{{id, granted.attempt()}, granted.lease_id()},
      timeout_(Timeout(granted)),
      started_(started),
      pacer_(pacer) {}

void Attempt::ReportProgress(v1::Progress progress) {
  if (!FitProgress(&progress)) {
    MutexLock lock(&mutex_);
    dropped_data_.Note("progress data must be a JSON value of at most 16 KiB");
  }
  pacer_->Report(lease_, std::move(progress));
}

bool Attempt::cancelled() const {
  MutexLock lock(&mutex_);
  return cause_ != StopCause::kNone;
}

bool Attempt::WaitForCancel(absl::Duration timeout) {
  // Far enough, and within what the clock can count.
  timeout = std::min(timeout, absl::Hours(24 * 365));
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  MutexLock lock(&mutex_);
  while (cause_ == StopCause::kNone) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    changed_.WaitFor(&mutex_, left);
  }
  return true;
}

void Attempt::Observe(AttemptObserver* observer) {
  MutexLock lock(&mutex_);
  observer_ = observer;
  if (observer_ != nullptr && cause_ != StopCause::kNone) observer_->OnCancel();
}

void Attempt::Stop(StopCause cause) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  const bool is_first = cause_ == StopCause::kNone;
  if (is_first || cause == StopCause::kLeaseLost) cause_ = cause;
  if (!is_first) return;
  log::Info("attempt_stopping", {{"job", job_.id.ToString()},
                                 {"attempt", job_.attempt},
                                 {"tenant", job_.tenant},
                                 {"cause", StopCauseName(cause)}});
  changed_.NotifyAll();
  if (observer_ != nullptr) observer_->OnCancel();
}

void Attempt::Heartbeat() {
  MutexLock lock(&mutex_);
  if (observer_ != nullptr) observer_->OnHeartbeat();
}

StopCause Attempt::Close() {
  MutexLock lock(&mutex_);
  closed_ = true;
  dropped_data_.Tell();
  return cause_;
}

}  // namespace buzzer::worker
