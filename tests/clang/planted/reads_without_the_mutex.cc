// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Wrong on purpose: tests/clang/check.py must refuse it, in a template too.
#include "common/mutex/mutex.h"

namespace buzzer {

template <typename Number>
class Count {
 public:
  void Add(Number more) {
    MutexLock lock(&mutex_);
    sum_ += more;
  }

  Number sum() const { return sum_; }  // Without the mutex.

 private:
  Mutex mutex_;
  Number sum_ ABSL_GUARDED_BY(mutex_) = 0;
};

template class Count<int>;

}  // namespace buzzer
