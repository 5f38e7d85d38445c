// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_WATCH_TABLE_H_
#define SERVICES_FRONTEND_WATCH_TABLE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "common/job_id/job_id.h"
#include "common/mutex/mutex.h"
#include "services/frontend/watcher.h"

namespace buzzer::frontend {

// The watches that share one stream to the state service, and how far each has come:
// after a break each goes on from the last revision that its watcher was given, so that
// the revisions told only rise and no state change is missed. Thread-safe; calls
// watchers under no lock.
class WatchTable {
 public:
  // Returns the watch's number, never 0; or 0 if there are too many already.
  int64_t Start(std::string tenant, const JobId& job, int64_t after_revision,
                std::shared_ptr<Watcher> watcher);
  // An unknown number is passed over.
  void Stop(int64_t watch);

  // Fills in what state must be told next; false if there is nothing.
  bool NextRequest(internal::v1::WatchRequest* request);

  // Tells the watchers. Never beside itself. Returns whether state has ended watches that
  // must be tried again: call Retry after a while.
  bool OnResponse(internal::v1::WatchResponse& response);
  void Retry();

  // The line is up: state is told of every watch anew.
  void OnUp();
  void OnDown();

  size_t size();

 private:
  struct Watch {
    std::string tenant;
    JobId job;
    // Where to go on from.
    int64_t after_revision = 0;
    // Highest revision that the watcher was given.
    int64_t told = 0;
    // State knows of it, on the stream that is up.
    bool sent = false;
    std::shared_ptr<Watcher> watcher;
  };

  Mutex mutex_;
  absl::flat_hash_map<int64_t, Watch> watches_ ABSL_GUARDED_BY(mutex_);
  int64_t last_watch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<int64_t> to_start_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> to_stop_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> to_retry_ ABSL_GUARDED_BY(mutex_);
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_WATCH_TABLE_H_
