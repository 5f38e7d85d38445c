// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/job_event_stream.h"

#include <algorithm>
#include <utility>

#include "common/grpc/status.h"
#include "services/frontend/call_errors.h"
#include "services/frontend/rpc/watch_log.h"

namespace buzzer::frontend {

void JobEventStream::Open(const absl::StatusOr<JobTarget>& target, int64_t after_revision) {
  self_ = shared_from_this();
  parts_.metrics->OnWatchOpened();
  if (!parts_.drains->Add(self_)) {
    End(ShuttingDown(after_revision));
  } else if (!target.ok()) {
    End(target.status());
  } else if (!parts_.watches->up()) {
    End(StateUnavailable("the state service cannot be reached"));
  } else {
    {
      MutexLock lock(&mutex_);
      target_ = *target;
      events_ = EventBuffer(after_revision);
    }
    if (KeepsAlive()) SetTimer(parts_.timing.keep_alive);
    Begin(*target, after_revision);
  }
}

void JobEventStream::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (!end_.has_value()) end_ = status;
  }
  Pump();
}

void JobEventStream::BreakSilence() {
  {
    MutexLock lock(&mutex_);
    keep_alive_is_due_ = true;
  }
  Pump();
}

void JobEventStream::StartWatch() {
  JobTarget target;
  int64_t after = 0;
  {
    MutexLock lock(&mutex_);
    starting_ = true;
    target = target_;
    after = events_.last_taken();
  }
  const int64_t watch = parts_.watches->Start(target.tenant, target.id, after, self());
  bool stop = false;
  {
    MutexLock lock(&mutex_);
    starting_ = false;
    stop = finished_ || events_.missed();
    // It may have ended already; to stop it once more does no harm.
    if (!stop) watch_ = watch;
    if (watch == 0 && !end_.has_value()) {
      end_ = StateUnavailable("this server has too many open watches");
    }
  }
  if (stop) parts_.watches->Stop(watch);
  Pump();
}

void JobEventStream::Pump() {
  Step step = Step::kNothing;
  absl::Status status;
  JobTarget restarted;
  {
    MutexLock lock(&mutex_);
    if (writing_ || finished_ || starting_) return;
    message_.Clear();
    step = NextStep(&status);
    if (step == Step::kWrite) {
      writing_ = true;
      last_write_ = parts_.clock->Monotonic();
    } else if (step == Step::kFinish) {
      finished_ = true;
    } else if (step == Step::kRestart) {
      starting_ = true;
      events_.Restarted();
      restarted = target_;
    }
  }
  switch (step) {
    case Step::kNothing:
      break;
    case Step::kWrite:
      SetTimer(parts_.timing.write_limit);
      StartWrite(&message_);
      break;
    case Step::kFinish:
      FinishNow(status);
      break;
    case Step::kRestart:
      LogSlowWatcher("watch_restarted", restarted);
      StartWatch();
      break;
  }
}

JobEventStream::Step JobEventStream::NextStep(absl::Status* status) {
  if (gone_) {
    *status = absl::CancelledError("the client is gone");
    return Step::kFinish;
  }
  if (draining_ && !end_.has_value()) {
    if (!std::exchange(said_farewell_, true) && EncodeFarewell(&message_)) return Step::kWrite;
    end_ = DrainedStatus(events_.last_taken());
    events_ = EventBuffer(events_.last_taken());
  }
  if (auto event = events_.Take(); event.has_value()) {
    *status = EncodeEvent(*std::move(event), &message_);
    return status->ok() ? Step::kWrite : Step::kFinish;
  }
  if (end_.has_value()) {
    *status = *end_;
    return Step::kFinish;
  }
  if (events_.missed()) return Step::kRestart;
  if (std::exchange(keep_alive_is_due_, false)) {
    *status = EncodeKeepAlive(&message_);
    return status->ok() ? Step::kWrite : Step::kFinish;
  }
  return Step::kNothing;
}

void JobEventStream::FinishNow(const absl::Status& status) {
  BeforeFinish();
  parts_.metrics->OnStreamDone(method_, status.code());
  Finish(ToGrpcStatus(status));
}

void JobEventStream::OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                              const std::optional<absl::Status>& end) {
  int64_t to_stop = 0;
  {
    MutexLock lock(&mutex_);
    events_.Push(events);
    if (events_.missed() || end.has_value()) to_stop = std::exchange(watch_, 0);
    // After a gap the next watch brings the end again.
    if (end.has_value() && !events_.missed() && !end_.has_value()) end_ = *end;
  }
  // The client is slow: state need not send what is dropped here.
  if (to_stop != 0 && !end.has_value()) parts_.watches->Stop(to_stop);
  Pump();
}

void JobEventStream::OnDrain() {
  {
    MutexLock lock(&mutex_);
    draining_ = true;
  }
  Pump();
}

void JobEventStream::OnWriteDone(bool ok) {
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) gone_ = true;
  }
  Pump();
}

void JobEventStream::OnCancel() {
  {
    MutexLock lock(&mutex_);
    gone_ = true;
  }
  Pump();
}

void JobEventStream::OnDone() {
  int64_t watch = 0;
  std::optional<Timers::Id> timer;
  {
    MutexLock lock(&mutex_);
    done_ = true;
    watch = std::exchange(watch_, 0);
    timer = std::exchange(timer_, std::nullopt);
  }
  parts_.watches->Stop(watch);
  if (timer.has_value()) parts_.timers->Cancel(*timer);
  parts_.drains->Remove(this);
  parts_.metrics->OnWatchClosed();
  const std::shared_ptr<JobEventStream> self = std::move(self_);
}

void JobEventStream::SetTimer(absl::Duration delay) {
  MutexLock lock(&mutex_);
  if (timer_.has_value() || done_) return;
  timer_ = parts_.timers->After(delay, [weak = weak_from_this()] {
    if (const auto stream = weak.lock(); stream != nullptr) stream->OnTimer();
  });
}

void JobEventStream::OnTimer() {
  absl::Duration next = absl::InfiniteDuration();
  {
    MutexLock lock(&mutex_);
    timer_ = std::nullopt;
    if (done_ || finished_) return;
    const absl::Duration now = parts_.clock->Monotonic();
    if (writing_) {
      const absl::Duration left = last_write_ + parts_.timing.write_limit - now;
      if (left <= absl::ZeroDuration()) {
        LogSlowWatcher("slow_watcher_cut_off", target_);
        context_->TryCancel();  // The write fails, and that ends the stream.
        return;
      }
      next = left;
    }
    if (KeepsAlive()) {
      absl::Duration left = last_write_ + parts_.timing.keep_alive - now;
      if (!writing_ && left <= absl::ZeroDuration()) {
        keep_alive_is_due_ = true;
        left = parts_.timing.keep_alive;
      }
      // While a write is under way it only keeps the timer near.
      next = std::min(next, left > absl::ZeroDuration() ? left : parts_.timing.keep_alive);
    }
  }
  if (next != absl::InfiniteDuration()) SetTimer(next);
  Pump();
}

}  // namespace buzzer::frontend
