// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/event_buffer.h"

#include <utility>

#include "services/frontend/limits.h"

namespace buzzer::frontend {
namespace {

bool IsProgress(const v1::JobEvent& event) { return event.cause() == "PROGRESS"; }

}  // namespace

void EventBuffer::Push(google::protobuf::RepeatedPtrField<v1::JobEvent>& events) {
  for (v1::JobEvent& event : events) {
    if (missed_) return;
    if (IsProgress(event) && !events_.empty() && IsProgress(events_.back())) {
      events_.back() = std::move(event);
    } else if (events_.size() < kMaxBufferedChanges) {
      events_.push_back(std::move(event));
    } else {
      missed_ = true;
    }
  }
}

std::optional<v1::JobEvent> EventBuffer::Take() {
  if (events_.empty()) return std::nullopt;
  v1::JobEvent event = std::move(events_.front());
  events_.erase(events_.begin());
  last_taken_ = event.revision();
  return event;
}

}  // namespace buzzer::frontend
