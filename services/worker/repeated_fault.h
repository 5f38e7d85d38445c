// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_REPEATED_FAULT_H_
#define SERVICES_WORKER_REPEATED_FAULT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// Tells in one line of the log, with a count, what an attempt's handler gets wrong again and again:
// at the attempt's end, and of one that runs on once 10 s after the first fault, then every 10 min.
// Not thread-safe.
class RepeatedFault {
 public:
  // `event` is a literal; `job` is not owned.
  RepeatedFault(const char* event, const Job* job, const Clock* clock = Clock::Real())
      : event_(event), job_(job), clock_(clock) {}

  // `what` is wrong and what would be right; the first since the last line is told.
  void Note(absl::string_view what, int64_t times = 1);

  // The attempt has ended.
  void Tell();

 private:
  const char* const event_;
  const Job* const job_;
  const Clock* const clock_;
  std::string first_;
  int64_t times_ = 0;
  bool has_told_ = false;
  absl::Duration tell_at_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_REPEATED_FAULT_H_
