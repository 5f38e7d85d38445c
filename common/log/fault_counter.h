// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_LOG_FAULT_COUNTER_H_
#define COMMON_LOG_FAULT_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"

namespace buzzer::log {

// Makes one line with a count of a fault that a peer, a caller or a program may repeat as
// often as it likes: the first is logged at once, those that follow within the interval are
// counted, and the next line tells how many it stands for.
//
//   if (const int64_t times = faults_.Note(queue); times > 0) {
//     log::Warning("message_not_understood", {{"queue", queue}, {"times", times}});
//   }
//
// Thread-safe. Keeps at most `max_keys` keys; faults of further ones are counted together.
class FaultCounter {
 public:
  explicit FaultCounter(absl::Duration interval = absl::Seconds(30), size_t max_keys = 100,
                        const Clock* clock = Clock::Real())
      : interval_(interval), max_keys_(max_keys), clock_(clock) {}

  // One more fault of this kind. 0: it is counted, and no line is due; else as many faults
  // as a line that is written now stands for.
  int64_t Note(absl::string_view key);

 private:
  struct Kind {
    absl::Duration quiet_until = -absl::InfiniteDuration();
    int64_t untold = 0;
  };

  // Makes room for a key that is not known: of the kinds whose interval is over. What was not
  // told of them yet goes to the others, or invented keys would keep their places for ever.
  void ForgetQuiet(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration interval_;
  const size_t max_keys_;
  const Clock* const clock_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, Kind> kinds_ ABSL_GUARDED_BY(mutex_);
  Kind others_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::log

#endif  // COMMON_LOG_FAULT_COUNTER_H_
