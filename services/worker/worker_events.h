// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_WORKER_EVENTS_H_
#define SERVICES_WORKER_WORKER_EVENTS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace buzzer::worker {

// What is counted as it happens. Implementations are thread-safe and do not block; this
// one counts nothing.
class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;

  // `answer`: granted, gone, paused, draining, no_handler.
  virtual void OnClaimAnswered(absl::string_view /*answer*/) {}

  // `outcome` as in OutcomeName; `ran` is zero for an attempt that never started.
  virtual void OnAttemptEnded(const std::string& /*type*/, absl::string_view /*outcome*/,
                              absl::Duration /*ran*/) {}
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_WORKER_EVENTS_H_
