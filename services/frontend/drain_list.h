// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_DRAIN_LIST_H_
#define SERVICES_FRONTEND_DRAIN_LIST_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "common/mutex/mutex.h"

namespace buzzer::frontend {

// Calls that may last long, so that a shutdown can end them with a word. Thread-safe.
class DrainList {
 public:
  class Member {
   public:
    virtual ~Member() = default;
    // The server shuts down: come to an end. Called once at most, on any thread.
    virtual void OnDrain() = 0;
  };

  // Returns false, and adds nothing, once Drain was called.
  bool Add(const std::shared_ptr<Member>& member);
  void Remove(Member* member);

  // Tells all members, and takes no more.
  void Drain();

 private:
  Mutex mutex_;
  absl::flat_hash_map<Member*, std::weak_ptr<Member>> members_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_DRAIN_LIST_H_
