// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/intake/priority_turns.h"

namespace buzzer::worker {
namespace {

constexpr size_t kHigh = 0;
constexpr size_t kNormal = 1;
constexpr size_t kLow = 2;
constexpr std::array<size_t, 10> kRound = {kHigh, kNormal, kHigh, kHigh,   kNormal,
                                           kHigh, kLow,    kHigh, kNormal, kHigh};

}  // namespace

std::optional<size_t> PriorityTurns::Take(const std::array<bool, kPriorities>& can_be_taken) {
  for (size_t i = 0; i < kRound.size(); ++i) {
    const size_t place = (place_ + i) % kRound.size();
    if (!can_be_taken[kRound[place]]) continue;
    place_ = (place + 1) % kRound.size();
    return kRound[place];
  }
  return std::nullopt;
}

}  // namespace buzzer::worker
