// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_SUPPORT_WATCHED_H_
#define TESTS_INTEGRATION_SUPPORT_WATCHED_H_

#include <chrono>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex/mutex.h"

namespace buzzer::testing {

// A value that callbacks change and a test waits for. Thread-safe.
template <typename T>
class Watched {
 public:
  Watched() = default;
  explicit Watched(T value) : value_(std::move(value)) {}

  // Calls `change(value)`.
  template <typename Change>
  void Update(Change change) {
    MutexLock lock(&mutex_);
    change(value_);
    changed_.NotifyAll();
  }

  void Set(T value) {
    Update([&](T& old) { old = std::move(value); });
  }

  T Get() const {
    MutexLock lock(&mutex_);
    return value_;
  }

  // Waits until `condition(value)`; false if it has not come true within `limit`,
  // which only a failing test should ever meet.
  template <typename Condition>
  bool Await(const Condition& condition, absl::Duration limit = absl::Seconds(60)) const {
    const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit);
    MutexLock lock(&mutex_);
    while (!condition(value_)) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds::zero()) return false;
      changed_.WaitFor(&mutex_, left);
    }
    return true;
  }

 private:
  mutable Mutex mutex_;
  mutable CondVar changed_;
  T value_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace buzzer::testing

#endif  // TESTS_INTEGRATION_SUPPORT_WATCHED_H_
