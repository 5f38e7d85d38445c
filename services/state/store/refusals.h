// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_REFUSALS_H_
#define SERVICES_STATE_STORE_REFUSALS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/string_view.h"

namespace buzzer::state {

// Why a submit is refused for want of room. The values are places in kRefusals.
enum class Refusal {
  // So many jobs wait as may, in all.
  kWaitingJobs,
  // Less is free on the disk than has to stay so.
  kDiskLow,
  // Nothing is: the commit failed.
  kDiskFull,
  // So many jobs wait as may in its queue.
  kQueueFull,
};

inline constexpr Refusal kRefusals[] = {Refusal::kWaitingJobs, Refusal::kDiskLow,
                                        Refusal::kDiskFull, Refusal::kQueueFull};

// As logs and metrics name it.
constexpr absl::string_view RefusalName(Refusal refusal) {
  switch (refusal) {
    case Refusal::kWaitingJobs:
      return "waiting_jobs";
    case Refusal::kDiskLow:
      return "disk_low";
    case Refusal::kDiskFull:
      return "disk_full";
    case Refusal::kQueueFull:
      return "queue_full";
  }
  return "";
}

// Submits that were refused since the start. Thread-safe.
class RefusalCounts {
 public:
  void Add(Refusal refusal, int64_t submits) { counts_[static_cast<size_t>(refusal)] += submits; }
  int64_t Of(Refusal refusal) const { return counts_[static_cast<size_t>(refusal)]; }

 private:
  std::array<std::atomic<int64_t>, std::size(kRefusals)> counts_ = {};
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_REFUSALS_H_
