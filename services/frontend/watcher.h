// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_WATCHER_H_
#define SERVICES_FRONTEND_WATCHER_H_

#include <optional>

#include "absl/status/status.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer::frontend {

// Who is told of a job's changes. Called on gRPC's threads, never beside itself; must not
// block. May be called once more while its watch is being stopped.
class Watcher {
 public:
  virtual ~Watcher() = default;

  // `events` are newer than those before, their revisions rising; the watcher may move
  // out of them. `end` is set in the last update, when the watch has been stopped: OK after
  // the event that ended the job, or at once if that was seen; else why.
  virtual void OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                        const std::optional<absl::Status>& end) = 0;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_WATCHER_H_
