// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_INTAKE_IDLE_SLOTS_H_
#define SERVICES_WORKER_INTAKE_IDLE_SLOTS_H_

#include <map>
#include <string>

#include "absl/time/time.h"
#include "services/worker/intake/slots.h"

namespace buzzer::worker {

// How many of each type's slots are free though all that came was claimed. The state service is
// told, and offers such a worker what lies unclaimed elsewhere. Looks four times a second at most,
// so that a busy worker does not tell of every job. Not thread-safe.
class IdleSlots {
 public:
  static constexpr absl::Duration kInterval = absl::Milliseconds(250);

  // The state service has offered a job of the type, and counts on one idle slot less.
  void OnOffer(const std::string& type);

  // Looks, if it is time to, at what is free of the types in `config`, after everything that can be
  // claimed was taken. True if state is to be told: Of gives another number for some type, or state
  // has counted one off for an offer. With `takes_jobs` false nothing counts as idle.
  bool Look(const Config& config, const Slots& slots, bool takes_jobs, absl::Duration now);
  absl::Duration next_look() const { return next_look_; }

  int Of(const std::string& type) const;

 private:
  struct Type {
    int idle = 0;
    // The state service knows another number than `idle`.
    bool is_stale = false;
  };

  std::map<std::string, Type> types_;
  absl::Duration next_look_ = -absl::InfiniteDuration();
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_INTAKE_IDLE_SLOTS_H_
