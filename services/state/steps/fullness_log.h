// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STEPS_FULLNESS_LOG_H_
#define SERVICES_STATE_STEPS_FULLNESS_LOG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"

namespace buzzer::state {

// Tells the operator that the store refuses new jobs (`store_full`), and that it takes them again
// (`store_takes_jobs`): a line when that changes, and no two within kInterval, however often it
// changes. Lives on the writer thread.
class FullnessLog {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(10);

  // Not owned.
  explicit FullnessLog(const Clock* clock) : clock_(clock) {}

  // A job was refused. `reason` is one of a few words for the line, `why` is for people.
  void OnRefused(absl::string_view reason, absl::string_view why);
  // One was taken, and is on disk.
  void OnTaken() {
    if (!logged_.empty()) TellThatItTakes();
  }

 private:
  void TellThatItTakes();

  const Clock* const clock_;
  // The reason of the last line; empty: the store takes jobs, as far as the log says.
  std::string logged_;
  absl::Duration logged_at_ = -absl::InfiniteDuration();
  absl::Duration refused_at_ = -absl::InfiniteDuration();
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STEPS_FULLNESS_LOG_H_
