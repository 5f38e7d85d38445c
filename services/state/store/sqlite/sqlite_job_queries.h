// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_QUERIES_H_
#define SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_QUERIES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/state/store/job_queries.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/rows/job_list.h"
#include "services/state/store/sqlite/rows/job_reader.h"

namespace buzzer::state {

// See JobQueries. Owns a connection that only reads.
class SqliteJobQueries final : public JobQueries {
 public:
  explicit SqliteJobQueries(std::unique_ptr<Database> database);

  absl::StatusOr<JobRecord> Get(const std::string& tenant, const JobId& id) override;
  absl::StatusOr<FullJob> GetFull(const std::string& tenant, const JobId& id) override;
  absl::StatusOr<WatchStart> GetForWatch(const std::string& tenant, const JobId& id,
                                         int64_t after_revision) override;
  absl::StatusOr<FoundResult> GetResult(const std::string& tenant, const JobId& id) override;
  absl::StatusOr<ListPage> List(const ListQuery& query) override;
  absl::StatusOr<std::vector<OutboxEntry>> ReadOutbox(const Lane& lane, int64_t after,
                                                      int limit) override;
  absl::StatusOr<std::vector<JobRecord>> ReadActive() override;
  absl::StatusOr<std::vector<TypeRecord>> ReadTypes() override;
  absl::StatusOr<std::vector<std::string>> ReadPausedQueues() override;
  absl::StatusOr<std::vector<std::optional<absl::Time>>> ReadOldestReady(
      const std::vector<std::string>& queues) override;

 private:
  absl::StatusOr<JobRow> FindOwned(const std::string& tenant, const JobId& id);
  template <typename T>
  absl::StatusOr<T> Checked(T value);

  const std::unique_ptr<Database> database_;
  JobReader reader_;
  JobList list_;
  Statement outbox_;
  Statement active_;
  Statement types_;
  Statement paused_;
  Statement oldest_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_SQLITE_JOB_QUERIES_H_
