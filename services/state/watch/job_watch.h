// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_WATCH_JOB_WATCH_H_
#define SERVICES_STATE_WATCH_JOB_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "buzzer/v1/job.pb.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// The event that tells of a change; the whole job is in it if that ends the job.
v1::JobEvent ToEvent(const JobChange& change);

// One watch of one job: joins what the store knows at its start with what is committed
// from then on, so that revisions only rise, no state change is missed, and of progress
// the newest is kept. Bounded: a reader that falls far behind is started anew from the
// last revision it took. Not thread-safe; pure.
class JobWatch {
 public:
  explicit JobWatch(int64_t after_revision)
      : told_(after_revision), snapshot_(after_revision == 0) {}

  // What the store knew, read after Offer could be called. An error ends the watch.
  void Start(const absl::StatusOr<WatchStart>& start);

  // A change that was committed. Takes them before Start too.
  void Offer(const v1::JobEvent& event);

  // Changes may have been committed that were not offered: they are read again.
  void Miss();

  // The job was deleted.
  void End(absl::Status status);

  // Moves what is to be told into `events`, and the end if there is one. Returns false
  // if there is nothing.
  bool Take(google::protobuf::RepeatedPtrField<v1::JobEvent>* events,
            std::optional<absl::Status>* end);

  // It fell behind: the owner reads GetForWatch from `told` again, and calls Start.
  bool needs_start() const { return !started_; }
  // About how much waits to be taken.
  size_t pending_bytes() const { return pending_bytes_; }
  int64_t told() const { return told_; }

 private:
  void Buffer(const v1::JobEvent& event);
  void Append(v1::JobEvent event);
  void Drop();

  // Highest revision that was given out, or that the watcher had before.
  int64_t told_;
  // Up to here every change is told, waits to be, or is overtaken: a read may know of a
  // commit before it is offered.
  int64_t covered_ = 0;
  // It wants the job as it stands first.
  bool snapshot_;
  bool started_ = false;
  // Changes were dropped, or not offered, since the last Start: once what is pending is
  // taken, the rest has to be read again.
  bool missed_ = false;
  // Waiting to be taken; progress is at most the last of them.
  std::vector<v1::JobEvent> pending_;
  size_t pending_bytes_ = 0;
  std::optional<absl::Status> end_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_WATCH_JOB_WATCH_H_
