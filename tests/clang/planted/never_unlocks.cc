// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Wrong on purpose: tests/clang/check.py must refuse it.
#include "common/mutex/mutex.h"

namespace buzzer {

class Flag {
 public:
  bool Raise() {
    mutex_.Lock();
    if (raised_) return false;  // With the mutex held.
    raised_ = true;
    mutex_.Unlock();
    return true;
  }

 private:
  Mutex mutex_;
  bool raised_ ABSL_GUARDED_BY(mutex_) = false;
};

bool RaiseOne() { return Flag().Raise(); }

}  // namespace buzzer
