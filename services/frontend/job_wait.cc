// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/job_wait.h"

#include <chrono>
#include <utility>

namespace buzzer::frontend {

std::shared_ptr<JobWait> JobWait::Start(WatchLine* line, std::string tenant, JobId job,
                                        int64_t after_revision, Until until, absl::Duration timeout,
                                        Done done) {
  auto wait = std::shared_ptr<JobWait>(new JobWait(line, until, std::move(done)));
  // The alarm holds it; End brings the alarm forward.
  wait->alarm_.Set(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout),
                   [wait](bool) { wait->End(absl::OkStatus()); });
  const int64_t watch = line->Watch(std::move(tenant), job, after_revision, wait);
  bool ended = false;
  {
    MutexLock lock(&wait->mutex_);
    wait->watch_ = watch;
    ended = wait->ended_;
  }
  if (ended) line->Unwatch(watch);
  return wait;
}

void JobWait::OnEvent(const v1::JobEvent& event) {
  const bool terminal = event.state() == v1::Job::SUCCEEDED || event.state() == v1::Job::FAILED ||
                        event.state() == v1::Job::CANCELLED;
  if (until_ == Until::kChanged || terminal) End(absl::OkStatus());
}

void JobWait::End(absl::Status status) {
  Done done;
  int64_t watch = 0;
  {
    MutexLock lock(&mutex_);
    if (ended_) return;
    ended_ = true;
    done = std::move(done_);
    watch = watch_;
  }
  if (watch != 0) line_->Unwatch(watch);
  alarm_.Cancel();
  done(std::move(status));
}

}  // namespace buzzer::frontend
