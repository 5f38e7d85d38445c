// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_STORE_READER_H_
#define SERVICES_STATE_STORE_SQLITE_STORE_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/state/store/job_store.h"
#include "services/state/store/sqlite/count_table.h"
#include "services/state/store/sqlite/database.h"
#include "services/state/store/sqlite/job_rows.h"

namespace buzzer::state {

// Every query of the store, on a read-only connection; see JobStore for each. A call
// sees all that was committed before it. Lives on the reader thread.
class StoreReader {
 public:
  // `counts` is not owned.
  StoreReader(std::unique_ptr<Database> database, const CountTable* counts);

  absl::StatusOr<JobRecord> Get(const std::string& tenant, const JobId& id);
  absl::StatusOr<FullJob> GetFull(const std::string& tenant, const JobId& id);
  absl::StatusOr<WatchStart> GetForWatch(const std::string& tenant, const JobId& id,
                                         int64_t after_revision);
  absl::StatusOr<StoredResult> GetResult(const std::string& tenant, const JobId& id);
  absl::StatusOr<ListPage> List(const ListQuery& query);
  absl::StatusOr<std::vector<OutboxEntry>> ReadOutbox(const Lane& lane, int64_t after, int limit);
  absl::StatusOr<std::vector<JobRecord>> ReadActive();
  absl::StatusOr<std::vector<TypeRecord>> ReadTypes();
  absl::StatusOr<std::vector<std::string>> ReadPausedQueues();
  absl::StatusOr<std::vector<std::optional<absl::Time>>> ReadOldestReady(
      const std::vector<std::string>& queues);

 private:
  // One of the ways to walk the jobs of a tenant, newest first.
  Statement& ChooseIndex(const ListQuery& query, int scan_limit);
  template <typename T>
  absl::StatusOr<T> Checked(T value);

  const std::unique_ptr<Database> database_;
  const CountTable* const counts_;
  JobRows rows_;
  Statement list_all_;
  Statement list_by_state_;
  Statement list_by_type_;
  Statement list_by_queue_;
  Statement list_by_label_;
  Statement result_;
  Statement outbox_;
  Statement active_;
  Statement types_;
  Statement paused_;
  Statement oldest_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_STORE_READER_H_
