// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/rows/job_numbers.h"

namespace buzzer::state {

JobNumbers::JobNumbers(Database* database)
    : database_(database),
      read_kinds_(database->Prepare("SELECT kind, tenant, type, queue FROM kinds")),
      read_lanes_(database->Prepare("SELECT lane, queue, priority FROM lanes")),
      insert_kind_(database->Prepare("INSERT INTO kinds (tenant, type, queue) VALUES (?, ?, ?)")),
      insert_lane_(database->Prepare("INSERT INTO lanes (queue, priority) VALUES (?, ?)")) {
  Reload();
}

void JobNumbers::Reload() {
  kinds_.clear();
  lanes_.clear();
  while (read_kinds_.Step()) {
    kinds_[{read_kinds_.String(1), read_kinds_.String(2), read_kinds_.String(3)}] =
        read_kinds_.Int(0);
  }
  while (read_lanes_.Step()) {
    lanes_[{read_lanes_.String(1), static_cast<int>(read_lanes_.Int(2))}] = read_lanes_.Int(0);
  }
}

int64_t JobNumbers::KindOf(const JobRecord& job) {
  const auto known = kinds_.find(std::tie(job.tenant(), job.type(), job.queue));
  if (known != kinds_.end()) return known->second;
  insert_kind_.BindText(1, job.tenant()).BindText(2, job.type()).BindText(3, job.queue).Run();
  const int64_t kind = database_->LastInsertRow();
  kinds_[{job.tenant(), job.type(), job.queue}] = kind;
  return kind;
}

int64_t JobNumbers::LaneOf(const JobRecord& job) {
  const int priority = job.priority();
  const auto known = lanes_.find(std::tie(job.queue, priority));
  if (known != lanes_.end()) return known->second;
  insert_lane_.BindText(1, job.queue).Bind(2, int64_t{priority}).Run();
  const int64_t lane = database_->LastInsertRow();
  lanes_[{job.queue, priority}] = lane;
  return lane;
}

}  // namespace buzzer::state
