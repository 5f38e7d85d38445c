// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_ROWS_JOB_LIST_H_
#define SERVICES_STATE_STORE_SQLITE_ROWS_JOB_LIST_H_

#include <cstdint>
#include <vector>

#include "services/state/store/job_store.h"
#include "services/state/store/sqlite/file/database.h"
#include "services/state/store/sqlite/rows/job_reader.h"

namespace buzzer::state {

// Pages of jobs, newest first. Each kind and state that matches has its own walk over the index
// jobs_by_kind, and the newest of their heads comes next; where a label narrows more than that,
// its index is walked instead. Lives on the database's thread; call in a transaction.
class JobList {
 public:
  // Not owned.
  JobList(Database* database, JobReader* reader);

  ListPage Read(const ListQuery& query);

 private:
  // Rows above `from` and below `below`.
  struct Bounds {
    int64_t from = 0;
    int64_t below = 0;
  };
  // One kind and state, newest first; reads ahead.
  struct Walk {
    int64_t kind = 0;
    int64_t state = 0;
    std::vector<int64_t> rows;
    size_t next = 0;
    bool at_end = false;
  };

  Bounds BoundsOf(const ListQuery& query);
  // The walks that the query needs, and how many jobs they have in all.
  std::vector<Walk> FindWalks(const ListQuery& query, int64_t* jobs);
  // The next row of a walk, below `below`; 0 at its end.
  int64_t Head(Walk& walk, const Bounds& bounds);
  // Up to `limit` rows that may match, newest first.
  std::vector<int64_t> Merge(std::vector<Walk> walks, const Bounds& bounds, int limit);
  std::vector<int64_t> FindLabelled(const ListQuery& query, const Bounds& bounds, int limit);

  JobReader* const reader_;
  Statement kinds_;
  Statement walk_;
  Statement labelled_;
  Statement job_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_ROWS_JOB_LIST_H_
