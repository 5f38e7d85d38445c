// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/follow_job.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/backoff/backoff.h"
#include "services/cli/job_tracker.h"
#include "services/cli/watch_call.h"

namespace buzzer::cli {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(500);

// Longer than gRPC waits for a server that is not there.
constexpr absl::Duration kServedAfter = absl::Seconds(30);

// Shows what one stream tells. Returns how it ended; nullopt when `end` came first.
std::optional<absl::Status> ShowStream(WatchCall* call, absl::Time end, JobTracker* tracker,
                                       WatchView* view, bool* told) {
  while (true) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return std::nullopt;
    if (const auto event = call->Take(std::min(left, kTick))) {
      *told = true;
      if (tracker->Apply(*event)) view->Show(*event, tracker->job());
    } else if (auto status = call->status()) {
      return status;
    } else {
      view->Tick(tracker->job());
    }
  }
}

}  // namespace

absl::StatusOr<v1::Job::State> FollowJob(v1::JobService::StubInterface* stub,
                                         const std::string& job_name, const FollowOptions& options,
                                         Interrupt* interrupt, WatchView* view) {
  const absl::Time end = absl::Now() + options.timeout;
  JobTracker tracker(options.after_revision);
  Backoff backoff(options.retry_initial, options.retry_max);
  // When the server last told something; before that, a wrong address is likelier than an
  // outage.
  absl::Time served = absl::InfinitePast();
  bool noted = false;
  while (true) {
    bool told = false;
    const absl::Time began = absl::Now();
    std::optional<absl::Status> status;
    {
      WatchCall call(stub, job_name, tracker.revision());
      interrupt->SetAction([&call] { call.Cancel(); });
      status = ShowStream(&call, end, &tracker, view, &told);
      interrupt->SetAction(nullptr);
    }
    if (tracker.ended()) {
      view->End(tracker.job());
      return tracker.job().state();
    }
    if (interrupt->raised()) return absl::CancelledError("interrupted");
    if (!status.has_value()) {
      return absl::DeadlineExceededError(
          absl::StrCat("the job has not ended within ", absl::FormatDuration(options.timeout)));
    }
    if (!status->ok() && !absl::IsUnavailable(*status)) return *status;

    if (status->ok()) {
      // It had ended before, at a revision that was seen: the snapshot tells how.
      tracker = JobTracker(0);
    }
    // A stream that stood a while was served, though the job had nothing to tell.
    if (told || status->ok() || absl::Now() - began > kServedAfter) {
      served = absl::Now();
      backoff.Reset();
      noted = false;
    }
    if (absl::Now() - served > options.patience) return *status;
    if (!noted && !status->ok()) {
      view->Note("buzzer: the server is out of reach; the job goes on, and I keep trying");
      noted = true;
    }
    interrupt->WaitFor(std::min(backoff.Next(), end - absl::Now()));
    if (interrupt->raised()) return absl::CancelledError("interrupted");
  }
}

}  // namespace buzzer::cli
