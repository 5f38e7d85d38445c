// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_PRIORITY_WHEEL_H_
#define SERVICES_WORKER_PRIORITY_WHEEL_H_

#include <array>
#include <cstddef>
#include <optional>

namespace buzzer::worker {

inline constexpr size_t kPriorities = 3;
// In the order of their use as indexes; the last part of a broker queue's name.
inline constexpr std::array<const char*, kPriorities> kPriorityNames = {"high", "normal", "low"};

// Chooses the priority to take from next: of ten taken while all wait, 6 are high, 3
// normal and 1 low, evenly mixed; a class that is empty gives its share up to the
// others. Not thread-safe.
class PriorityWheel {
 public:
  // nullopt if nothing waits.
  std::optional<size_t> Next(const std::array<bool, kPriorities>& waiting);

 private:
  // What each class is owed.
  std::array<int, kPriorities> credit_{};
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_PRIORITY_WHEEL_H_
