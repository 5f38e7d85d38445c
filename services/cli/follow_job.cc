// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/follow_job.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/backoff/backoff.h"
#include "common/job_state/job_state.h"
#include "services/cli/job_tracker.h"
#include "services/cli/watch_call.h"

namespace buzzer::cli {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(500);

// Longer than gRPC waits for a server that is not there.
constexpr absl::Duration kServedAfter = absl::Seconds(30);

// A look that takes longer is given up: the next one may go better.
constexpr absl::Duration kLookLimit = absl::Seconds(2);

// What is the same for all streams of one watch.
struct Watch {
  v1::JobService::StubInterface* const stub;
  const std::string& job_name;
  const absl::Duration look_interval;
  const absl::Time end;
  Interrupt* const interrupt;
  WatchView* const view;
};

// Looks at what the job waits for, and shows it if it is another than is known. A look that
// fails shows nothing. An interrupt ends it, and `call` as before.
void ShowWait(const Watch& watch, WatchCall* call, JobTracker* tracker) {
  v1::GetJobRequest request;
  request.set_name(watch.job_name);
  v1::Job job;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(std::min(absl::Now() + kLookLimit, watch.end)));
  watch.interrupt->SetAction([&] {
    call->Cancel();
    context.TryCancel();
  });
  const grpc::Status status = watch.stub->GetJob(&context, request, &job);
  watch.interrupt->SetAction([call] { call->Cancel(); });
  if (status.ok() && tracker->Look(job)) watch.view->ShowWait(tracker->job());
}

// Shows what one stream tells. Returns how it ended; nullopt when the watch's end came first.
std::optional<absl::Status> ShowStream(const Watch& watch, WatchCall* call, JobTracker* tracker,
                                       bool* told) {
  absl::Time look_at = absl::Now() + watch.look_interval;
  while (true) {
    const absl::Time now = absl::Now();
    if (now >= watch.end) return std::nullopt;
    const bool waits = IsWaiting(tracker->job().state());
    if (waits && now >= look_at) {
      ShowWait(watch, call, tracker);
      look_at = absl::Now() + watch.look_interval;
      continue;
    }
    const absl::Time wake = waits ? std::min(watch.end, look_at) : watch.end;
    if (const auto event = call->Take(std::min(wake - now, kTick))) {
      *told = true;
      if (tracker->Apply(*event)) watch.view->Show(*event, tracker->job());
    } else if (auto status = call->status()) {
      return status;
    } else {
      watch.view->Tick(tracker->job());
    }
  }
}

}  // namespace

absl::StatusOr<v1::Job::State> FollowJob(v1::JobService::StubInterface* stub,
                                         const std::string& job_name, const FollowOptions& options,
                                         Interrupt* interrupt, WatchView* view) {
  const absl::Time end = absl::Now() + options.timeout;
  const Watch watch{stub, job_name, options.look_interval, end, interrupt, view};
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
      status = ShowStream(watch, &call, &tracker, &told);
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
