// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_WATCH_LINE_H_
#define SERVICES_FRONTEND_WATCH_LINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "common/grpc/stream_link.h"
#include "services/frontend/frontend_metrics.h"
#include "services/frontend/timers.h"
#include "services/frontend/watch_table.h"

namespace buzzer::frontend {

// Watch (step 9 of a job's life), the frontend's end: all watchers share one stream to
// the state service; WatchTable keeps what each was told. Thread-safe.
class WatchLine {
 public:
  // Not owned: timers, metrics.
  WatchLine(const std::shared_ptr<grpc::Channel>& channel, Timers* timers,
            FrontendMetrics* metrics);

  void Open() { link_.Start(); }
  // Returns when nothing of it runs; watchers are not told any more.
  void Close() { link_.Stop(); }

  // Whether the state service is connected: where not, new watches had better be refused,
  // while those that are open go on later.
  bool up() { return link_.up(); }

  // Tells the watcher of the job's changes after `after_revision` until Stop, or until
  // the watch ends by itself. Returns its number, or 0 if there are too many. The watcher
  // may be told before this returns.
  int64_t Start(std::string tenant, const JobId& job, int64_t after_revision,
                std::shared_ptr<Watcher> watcher);
  void Stop(int64_t watch);

 private:
  using Link = StreamLink<internal::v1::WatchRequest, internal::v1::WatchResponse>;
  Link::Callbacks MakeCallbacks(Timers* timers, FrontendMetrics* metrics);

  const std::unique_ptr<internal::v1::StateService::Stub> stub_;
  WatchTable table_;
  Link link_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_WATCH_LINE_H_
