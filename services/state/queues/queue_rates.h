// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_QUEUES_QUEUE_RATES_H_
#define SERVICES_STATE_QUEUES_QUEUE_RATES_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// Jobs submitted, attempts started and jobs ended per second, by queue, over the last
// minute. Starts from nothing when state does. Thread-safe.
class QueueRates final : public CommitObserver {
 public:
  struct Rates {
    double submitted = 0;
    double started = 0;
    double ended = 0;
  };

  // Not owned.
  explicit QueueRates(const Clock* clock) : clock_(clock), since_(clock->Monotonic()) {}

  Rates Of(const std::string& queue) const;
  void OnCommit(const std::vector<JobChange>& changes) override;

 private:
  static constexpr int kSeconds = 60;

  // Counts of the last minute in a ring of seconds.
  class Window {
   public:
    void Add(int64_t second);
    int64_t Sum(int64_t now_second) const;

   private:
    struct Bucket {
      int64_t second = -1;
      int64_t count = 0;
    };
    std::array<Bucket, kSeconds> buckets_;
  };

  struct Windows {
    Window submitted;
    Window started;
    Window ended;
  };

  int64_t Second() const { return absl::ToInt64Seconds(clock_->Monotonic()); }

  const Clock* const clock_;
  const absl::Duration since_;
  mutable Mutex mutex_;
  std::map<std::string, Windows> by_queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_QUEUES_QUEUE_RATES_H_
