// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_INTAKE_SLOTS_H_
#define SERVICES_WORKER_INTAKE_SLOTS_H_

#include <map>
#include <string>

#include "services/worker/config.h"

namespace buzzer::worker {

// Counts the room for running handlers: a total, and each type's own limit. A slot is
// taken from the moment a claim is sent until the handler has returned; its outcome may
// wait longer, but there are never more than a few waiting outcomes for each slot.
// Not thread-safe.
class Slots {
 public:
  explicit Slots(const Config& config);

  // Takes the limits of another configuration. What is taken stays taken, also of a type that
  // has no handler any more.
  void Reconfigure(const Config& config);

  bool HasHandler(const std::string& type) const;

  // The total is taken, or too many outcomes wait: no type has a free slot.
  bool IsFull() const;
  // Whether Take(type) may be called.
  bool IsFree(const std::string& type) const { return FreeOfType(type) > 0; }
  void Take(const std::string& type);
  void Free(const std::string& type);

  // An outcome waits for its answer, or has got it.
  void AddWaitingOutcome() { ++waiting_outcomes_; }
  void RemoveWaitingOutcome() { --waiting_outcomes_; }

  // How many jobs of the type may be taken now.
  int FreeOfType(const std::string& type) const;
  // Most jobs of the type at once; 0 without a handler.
  int LimitOfType(const std::string& type) const;
  // Free now for jobs of this queue.
  int FreeOf(const std::string& queue) const;
  // Most jobs of this queue at once.
  int LimitOf(const std::string& queue) const;

  int total() const { return total_; }
  int busy() const { return busy_; }

 private:
  struct Type {
    std::string queue;
    // 0: it has no handler any more.
    int limit = 0;
    int busy = 0;
  };

  int total_ = 0;
  std::map<std::string, Type> types_;
  int busy_ = 0;
  int waiting_outcomes_ = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_INTAKE_SLOTS_H_
