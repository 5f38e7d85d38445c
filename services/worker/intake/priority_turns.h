// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_INTAKE_PRIORITY_TURNS_H_
#define SERVICES_WORKER_INTAKE_PRIORITY_TURNS_H_

#include <array>
#include <cstddef>
#include <optional>

namespace buzzer::worker {

inline constexpr size_t kPriorities = 3;
// In the order of their use as indexes; the last part of a broker queue's name.
inline constexpr std::array<const char*, kPriorities> kPriorityNames = {"high", "normal", "low"};

// Chooses the priority to take from next. The turns are a round of ten places, six for high,
// three for normal and one for low, evenly mixed. Each take goes on from the place of the one
// before; the places of a priority of which nothing can be taken are passed over. So any ten
// takes in a row while all wait are six, three and one, whatever happened before; and nothing
// but a take moves the turns on, however often it is asked in vain. Not thread-safe.
class PriorityTurns {
 public:
  // The priority whose turn it is among those that can be taken; nullopt if there are none.
  std::optional<size_t> Take(const std::array<bool, kPriorities>& can_be_taken);

 private:
  size_t place_ = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_INTAKE_PRIORITY_TURNS_H_
