// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_ADMISSION_H_
#define SERVICES_STATE_STEPS_ADMISSION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "services/state/steps/fullness_log.h"
#include "services/state/store/refusals.h"

namespace buzzer::state {

// What a new job must fit into.
struct AdmissionLimits {
  // Jobs QUEUED or SCHEDULED in all.
  int64_t max_waiting = 2'000'000;
  // The same by queue; a queue that is not named has no limit of its own.
  std::map<std::string, int64_t> max_waiting_by_queue;
  // Bytes that must stay free where the store keeps its jobs.
  int64_t min_free_disk = 256 << 20;
};

// Decides whether there is room for one more job, and tells the operator when there is none.
// Lives on the writer thread.
class Admission {
 public:
  using FreeSpace = std::function<std::optional<int64_t>()>;

  // Not owned: clock, refused.
  Admission(AdmissionLimits limits, const Clock* clock, FreeSpace free_space,
            RefusalCounts* refused);

  // Errors: RESOURCE_EXHAUSTED QUEUE_FULL, UNAVAILABLE STORE_FULL.
  // `waiting_in_queue` is asked only if the queue has a limit.
  absl::Status Admit(const std::string& queue, int64_t waiting,
                     absl::FunctionRef<int64_t()> waiting_in_queue);
  // The same error for so many submits whose commit found no space.
  absl::Status RefuseForFullDisk(int64_t submits);
  // A job was admitted, and is on disk.
  void OnTaken() { full_log_.OnTaken(); }

 private:
  absl::Status RefuseAll(Refusal refusal, const std::string& why, int64_t submits);

  const AdmissionLimits limits_;
  const Clock* const clock_;
  const FreeSpace free_space_;
  RefusalCounts* const refused_;
  absl::Duration disk_checked_at_ = -absl::InfiniteDuration();
  bool disk_low_ = false;
  FullnessLog full_log_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_ADMISSION_H_
