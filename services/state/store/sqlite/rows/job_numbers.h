// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_ROWS_JOB_NUMBERS_H_
#define SERVICES_STATE_STORE_SQLITE_ROWS_JOB_NUMBERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "services/state/job/job_record.h"
#include "services/state/store/sqlite/file/database.h"

namespace buzzer::state {

// The numbers that stand for names in the rows of jobs: a kind for tenant, type and queue, a lane
// for queue and priority. Gives new ones in the transaction that first needs them. For the
// connection that writes, on its thread.
class JobNumbers {
 public:
  // Not owned. Reads what there is.
  explicit JobNumbers(Database* database);

  int64_t KindOf(const JobRecord& job);
  int64_t LaneOf(const JobRecord& job);

  // After a rollback: numbers that it gave are not there.
  void Reload();

 private:
  using Kind = std::tuple<std::string, std::string, std::string>;
  using Lane = std::tuple<std::string, int>;

  Database* const database_;
  std::map<Kind, int64_t, std::less<>> kinds_;
  std::map<Lane, int64_t, std::less<>> lanes_;
  Statement read_kinds_;
  Statement read_lanes_;
  Statement insert_kind_;
  Statement insert_lane_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_ROWS_JOB_NUMBERS_H_
