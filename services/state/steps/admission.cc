// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/admission.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kDiskCheckInterval = absl::Seconds(1);

}  // namespace

Admission::Admission(AdmissionLimits limits, const Clock* clock, FreeSpace free_space,
                     RefusalCounts* refused)
    : limits_(std::move(limits)),
      clock_(clock),
      free_space_(std::move(free_space)),
      refused_(refused),
      full_log_(clock) {}

absl::Status Admission::Admit(const std::string& queue, int64_t waiting,
                              absl::FunctionRef<int64_t()> waiting_in_queue) {
  const auto limit = limits_.max_waiting_by_queue.find(queue);
  if (limit != limits_.max_waiting_by_queue.end() && waiting_in_queue() >= limit->second) {
    refused_->Add(Refusal::kQueueFull, 1);
    return ErrorBuilder(
               absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
               absl::StrCat("queue ", queue, " has its limit of ", limit->second, " waiting jobs"))
        .RetryAfter(absl::Seconds(5))
        .Build();
  }
  if (waiting >= limits_.max_waiting) {
    return RefuseAll(Refusal::kWaitingJobs,
                     absl::StrCat("the limit of ", limits_.max_waiting, " waiting jobs is reached"),
                     1);
  }
  const absl::Duration now = clock_->Monotonic();
  if (now - disk_checked_at_ >= kDiskCheckInterval) {
    disk_checked_at_ = now;
    disk_low_ = free_space_().value_or(limits_.min_free_disk) < limits_.min_free_disk;
  }
  if (disk_low_) return RefuseAll(Refusal::kDiskLow, "the disk has too little free space", 1);
  return absl::OkStatus();
}

absl::Status Admission::RefuseForFullDisk(int64_t submits) {
  return RefuseAll(Refusal::kDiskFull, "the disk is full", submits);
}

absl::Status Admission::RefuseAll(Refusal refusal, const std::string& why, int64_t submits) {
  refused_->Add(refusal, submits);
  full_log_.OnRefused(RefusalName(refusal), why);
  return ErrorBuilder(absl::StatusCode::kUnavailable, kStoreFull,
                      absl::StrCat("no new jobs are accepted now: ", why))
      .RetryAfter(absl::Seconds(10))
      .Build();
}

}  // namespace buzzer::state
