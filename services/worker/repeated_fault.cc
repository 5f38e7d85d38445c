// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/repeated_fault.h"

#include <utility>

#include "common/log/log.h"

namespace buzzer::worker {
namespace {

constexpr absl::Duration kFirstInterval = absl::Seconds(10);
constexpr absl::Duration kInterval = absl::Minutes(10);

}  // namespace

void RepeatedFault::Note(absl::string_view what, int64_t times) {
  const absl::Duration now = clock_->Monotonic();
  if (times_ == 0) {
    first_ = std::string(what);
    if (!has_told_) tell_at_ = now + kFirstInterval;
  }
  times_ += times;
  if (now >= tell_at_) Tell();
}

void RepeatedFault::Tell() {
  if (times_ == 0) return;
  log::Warning(event_, {{"job", job_->id.ToString()},
                        {"attempt", job_->attempt},
                        {"tenant", job_->tenant},
                        {"type", job_->type},
                        {"times", std::exchange(times_, 0)},
                        {"error", first_}});
  has_told_ = true;
  tell_at_ = clock_->Monotonic() + kInterval;
}

}  // namespace buzzer::worker
