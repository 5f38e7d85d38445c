// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Wrong on purpose: tests/clang/check.py must refuse it.
#include "common/mutex/mutex.h"

namespace buzzer {

class Gate {
 public:
  void Open() {
    SetOpen();  // Without the mutex.
    changed_.NotifyAll();
  }

 private:
  void SetOpen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { open_ = true; }

  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

void OpenOne() { Gate().Open(); }

}  // namespace buzzer
