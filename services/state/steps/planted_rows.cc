// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/planted_rows.h"

#include "common/fault_points/fault_points.h"

#ifdef BUZZER_FAULT_POINTS

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace buzzer::state {
namespace {

class PlantedRows final : public JobRows {
 public:
  PlantedRows(std::unique_ptr<JobRows> rows, const Clock* clock)
      : rows_(std::move(rows)), clock_(clock) {}

  std::vector<std::optional<KeyRecord>> LoadKeys(const std::vector<KeyName>& keys) override {
    auto records = rows_->LoadKeys(keys);
    if (!BUZZER_PLANTED("idempotency_outside_transaction")) return records;
    for (auto& record : records) {
      if (record.has_value() && clock_->Now() - record->job.time() < absl::Milliseconds(50)) {
        record.reset();
      }
    }
    return records;
  }

  void Write(WriteSet& writes) override {
    if (!BUZZER_PLANTED("publish_without_outbox")) return rows_->Write(writes);
    std::vector<int64_t> places;
    for (JobWrite& write : writes.jobs) {
      places.push_back(std::exchange(write.row->job.queue_position, 0));
    }
    rows_->Write(writes);
    for (size_t i = 0; i < places.size(); ++i) {
      writes.jobs[i].row->job.queue_position = places[i];
    }
  }

  void Begin() override { rows_->Begin(); }
  void Load(const std::vector<JobId>& jobs, absl::FunctionRef<void(JobRow)> take) override {
    rows_->Load(jobs, take);
  }
  std::string LoadPayload(const JobRow& row) override { return rows_->LoadPayload(row); }
  std::vector<JobId> FindDue(absl::Time now, int limit) override {
    return rows_->FindDue(now, limit);
  }
  std::optional<absl::Time> NextWake() override { return rows_->NextWake(); }
  std::vector<JobId> FindRetrying(std::optional<JobId> after, int limit) override {
    return rows_->FindRetrying(after, limit);
  }
  CommitResult Commit() override { return rows_->Commit(); }
  const absl::Status& status() const override { return rows_->status(); }
  bool broken() const override { return rows_->broken(); }
  absl::StatusOr<StoreSummary> Summarize() override { return rows_->Summarize(); }

 private:
  const std::unique_ptr<JobRows> rows_;
  const Clock* const clock_;
};

}  // namespace

std::unique_ptr<JobRows> WithPlantedBugs(std::unique_ptr<JobRows> rows, const Clock* clock) {
  return std::make_unique<PlantedRows>(std::move(rows), clock);
}

}  // namespace buzzer::state

#else

namespace buzzer::state {

std::unique_ptr<JobRows> WithPlantedBugs(std::unique_ptr<JobRows> rows, const Clock* /*clock*/) {
  return rows;
}

}  // namespace buzzer::state

#endif  // BUZZER_FAULT_POINTS
