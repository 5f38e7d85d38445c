// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/priority_wheel.h"

namespace buzzer::worker {
namespace {

constexpr std::array<int, kPriorities> kWeights = {6, 3, 1};

}  // namespace

std::optional<size_t> PriorityWheel::Next(const std::array<bool, kPriorities>& waiting) {
  std::optional<size_t> chosen;
  int shared = 0;
  for (size_t i = 0; i < kPriorities; ++i) {
    if (!waiting[i]) {
      credit_[i] = 0;
      continue;
    }
    credit_[i] += kWeights[i];
    shared += kWeights[i];
    if (!chosen.has_value() || credit_[i] > credit_[*chosen]) chosen = i;
  }
  if (chosen.has_value()) credit_[*chosen] -= shared;
  return chosen;
}

}  // namespace buzzer::worker
