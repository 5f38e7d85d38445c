// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_TROUBLED_QUEUES_H_
#define SERVICES_STATE_QUEUES_TROUBLED_QUEUES_H_

#include <set>

#include "absl/strings/string_view.h"
#include "buzzer/internal/v1/work_service.pb.h"

namespace buzzer::state {

// The queues from which the worker says that it can take nothing. The names point into `hello`.
inline std::set<absl::string_view> TroubledQueues(const internal::v1::Hello& hello) {
  std::set<absl::string_view> troubled;
  for (const auto& queue : hello.queues()) {
    if (!queue.problem().empty()) troubled.insert(queue.queue());
  }
  return troubled;
}

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_TROUBLED_QUEUES_H_
