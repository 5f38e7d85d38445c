// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/boundary/hello_answer.h"

#include <cstddef>

#include "common/names/names.h"
#include "common/utf8/utf8.h"

namespace buzzer::worker {
namespace {

// As many as a worker may announce types.
constexpr size_t kMaxRefusals = 1000;
constexpr size_t kMaxMessageBytes = 512;

bool IsUnderstood(const internal::v1::HelloAnswer::Refusal& refusal) {
  if (!refusal.queue().empty() && !refusal.type().empty()) return false;
  return (refusal.queue().empty() || IsName(refusal.queue())) &&
         (refusal.type().empty() || IsName(refusal.type()));
}

}  // namespace

std::vector<Refusal> ReadHelloAnswer(const internal::v1::HelloAnswer& answer) {
  std::vector<Refusal> refusals;
  for (const auto& refusal : answer.refusals()) {
    if (refusals.size() == kMaxRefusals) break;
    if (!IsUnderstood(refusal)) continue;
    refusals.push_back(
        {refusal.queue(), refusal.type(), OneLine(refusal.message(), kMaxMessageBytes - 3)});
  }
  return refusals;
}

}  // namespace buzzer::worker
