// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/progress.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/limits/limits.h"
#include "common/utf8/utf8.h"

namespace buzzer::worker {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(100);

}  // namespace

bool FitProgress(v1::Progress* progress) {
  progress->clear_update_time();
  const double fraction = progress->fraction();
  progress->set_fraction(std::isnan(fraction) ? 0 : std::clamp(fraction, 0.0, 1.0));
  const std::string message = ToValidUtf8(progress->message());
  progress->set_message(std::string(Utf8Prefix(message, kMaxProgressMessageBytes)));
  if (!progress->has_data()) return true;
  std::string json;
  const bool fits = progress->data().kind_case() != google::protobuf::Value::KIND_NOT_SET &&
                    google::protobuf::util::MessageToJsonString(progress->data(), &json).ok() &&
                    json.size() <= kMaxProgressDataBytes;
  if (!fits) progress->clear_data();
  return fits;
}

ProgressPacer::ProgressPacer(StateSession* session, const Clock* clock)
    : session_(session), clock_(clock), thread_(clock, [this] { return Tick(); }) {}

void ProgressPacer::Report(const LeaseRef& lease, v1::Progress progress) {
  absl::Duration due;
  {
    MutexLock lock(&mutex_);
    const absl::Duration now = clock_->Monotonic();
    Pace& pace = paces_[lease.key];
    if (now >= pace.next) {
      pace.next = now + kInterval;
      pace.is_held_back = false;
      session_->ReportProgress(lease, std::move(progress));
      return;
    }
    pace.lease = lease;
    pace.is_held_back = true;
    pace.held_back = std::move(progress);
    due = pace.next;
  }
  thread_.Schedule(due);
}

void ProgressPacer::Flush(const LeaseRef& lease) {
  MutexLock lock(&mutex_);
  const auto it = paces_.find(lease.key);
  if (it == paces_.end()) return;
  if (it->second.is_held_back) session_->ReportProgress(lease, std::move(it->second.held_back));
  paces_.erase(it);
}

absl::Duration ProgressPacer::Tick() {
  MutexLock lock(&mutex_);
  const absl::Duration now = clock_->Monotonic();
  absl::Duration next = absl::InfiniteDuration();
  for (auto& [key, pace] : paces_) {
    if (!pace.is_held_back) continue;
    if (now < pace.next) {
      next = std::min(next, pace.next);
      continue;
    }
    pace.next = now + kInterval;
    pace.is_held_back = false;
    session_->ReportProgress(pace.lease, std::move(pace.held_back));
  }
  return next;
}

}  // namespace buzzer::worker
