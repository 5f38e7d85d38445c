// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/watch/job_watch.h"

#include <algorithm>
#include <utility>

namespace buzzer::state {
namespace {

// State changes that may wait for a slow reader before it starts anew.
constexpr size_t kMaxPending = 64;

bool IsProgress(const v1::JobEvent& event) { return event.cause() == CauseName(Cause::kProgress); }

}  // namespace

v1::JobEvent ToEvent(const JobChange& change) {
  if (change.kind == JobChange::Kind::kProgress) return ProgressEvent(change.job);
  v1::JobEvent event = ToProto(change.entry);
  if (IsTerminal(change.job.state)) *event.mutable_job() = ToProto(change.job);
  return event;
}

void JobWatch::Start(const absl::StatusOr<WatchStart>& start) {
  started_ = true;
  if (!start.ok()) {
    // What was offered meanwhile may be a job's that this watcher must not see.
    Drop();
    End(start.status());
    return;
  }
  const JobRecord& job = start->job;
  // Behind a gap nothing counts: it is read again.
  const std::vector<v1::JobEvent> later =
      missed_ ? std::vector<v1::JobEvent>() : std::exchange(pending_, {});
  Drop();
  // A revision that the job never had: the watcher cannot be served from history.
  if (told_ > job.revision) {
    snapshot_ = true;
    told_ = 0;
  }
  if (snapshot_) {
    snapshot_ = false;
    v1::JobEvent snapshot = SnapshotEvent(job);
    snapshot.mutable_job()->set_wait_reason(start->wait_reason);
    Append(std::move(snapshot));
  } else {
    for (const HistoryEntry& entry : start->changes) {
      if (entry.revision <= told_) continue;
      v1::JobEvent event = ToProto(entry);
      // Progress between two changes is told only if it is the newest, so the rest may
      // be appended in order.
      if (entry.revision == job.revision && IsTerminal(job.state)) {
        *event.mutable_job() = ToProto(job);
      }
      Append(std::move(event));
    }
    if (job.progress.has_value() && job.progress->attempt == job.attempt &&
        job.progress->revision == job.revision && job.revision > told_) {
      Append(ProgressEvent(job));
    }
  }
  covered_ = job.revision;
  if (IsTerminal(job.state) && !missed_) end_ = absl::OkStatus();
  for (const v1::JobEvent& event : later) Offer(event);
}

void JobWatch::Offer(const v1::JobEvent& event) {
  if (end_.has_value() || missed_) return;
  if (started_) {
    if (event.revision() <= covered_) return;
    covered_ = event.revision();
  }
  Buffer(event);
  if (started_ && !missed_ && IsTerminal(event.state())) end_ = absl::OkStatus();
}

void JobWatch::Buffer(const v1::JobEvent& event) {
  if (!pending_.empty() && IsProgress(pending_.back()) && IsProgress(event)) {
    pending_bytes_ -= pending_.back().ByteSizeLong();
    pending_.pop_back();
    Append(event);
  } else if (pending_.size() < kMaxPending) {
    Append(event);
  } else {
    missed_ = true;
  }
}

void JobWatch::Append(v1::JobEvent event) {
  pending_bytes_ += event.ByteSizeLong();
  pending_.push_back(std::move(event));
}

void JobWatch::Drop() {
  pending_.clear();
  pending_bytes_ = 0;
}

void JobWatch::Miss() { missed_ = true; }

void JobWatch::End(absl::Status status) {
  if (!end_.has_value()) end_ = std::move(status);
}

bool JobWatch::Take(google::protobuf::RepeatedPtrField<v1::JobEvent>* events,
                    std::optional<absl::Status>* end) {
  if (!started_) return false;
  if (missed_ && !end_.has_value()) {
    missed_ = false;
    started_ = false;
  }
  if (pending_.empty() && !end_.has_value()) return false;
  for (v1::JobEvent& event : pending_) {
    told_ = std::max(told_, event.revision());
    *events->Add() = std::move(event);
  }
  Drop();
  *end = end_;
  return true;
}

}  // namespace buzzer::state
