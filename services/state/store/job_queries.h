// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_JOB_QUERIES_H_
#define SERVICES_STATE_STORE_JOB_QUERIES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// What is asked of a store and changes nothing, on one connection that only reads; see JobStore
// for each. A call sees all that was committed before it. Lives on one thread.
class JobQueries {
 public:
  virtual ~JobQueries() = default;

  virtual absl::StatusOr<JobRecord> Get(const std::string& tenant, const JobId& id) = 0;
  virtual absl::StatusOr<FullJob> GetFull(const std::string& tenant, const JobId& id) = 0;
  virtual absl::StatusOr<WatchStart> GetForWatch(const std::string& tenant, const JobId& id,
                                                 int64_t after_revision) = 0;
  // nullopt: the job is not SUCCEEDED. NOT_FOUND as everywhere.
  virtual absl::StatusOr<FoundResult> GetResult(const std::string& tenant, const JobId& id) = 0;
  virtual absl::StatusOr<ListPage> List(const ListQuery& query) = 0;
  virtual absl::StatusOr<std::vector<OutboxEntry>> ReadOutbox(const Lane& lane, int64_t after,
                                                              int limit) = 0;
  virtual absl::StatusOr<std::vector<JobRecord>> ReadActive() = 0;
  virtual absl::StatusOr<std::vector<TypeRecord>> ReadTypes() = 0;
  virtual absl::StatusOr<std::vector<std::string>> ReadPausedQueues() = 0;
  virtual absl::StatusOr<std::vector<std::optional<absl::Time>>> ReadOldestReady(
      const std::vector<std::string>& queues) = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_JOB_QUERIES_H_
