// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch_lane.h"

#include <algorithm>
#include <utility>

#include "common/backoff/backoff.h"

namespace buzzer::state {
namespace {

// Fewer messages than rows out for so long: they are lost.
constexpr absl::Duration kShortLimit = absl::Seconds(15);
// No message at all and no claim for so long, although the prefetch of the workers could
// explain where the messages are: they are lost too.
constexpr absl::Duration kEmptyLimit = absl::Seconds(60);
constexpr absl::Duration kNoHandlerHold = absl::Seconds(1);
constexpr absl::Duration kMaxNoHandlerHold = absl::Seconds(30);

}  // namespace

size_t DispatchLane::Window(absl::Duration now) const {
  const int64_t second = absl::ToInt64Seconds(now);
  size_t recent = 0;
  for (const Bucket& bucket : claims_) {
    if (bucket.second > second - static_cast<int64_t>(claims_.size())) recent += bucket.claims;
  }
  return std::clamp(recent, kMinWindow, kMaxWindow);
}

void DispatchLane::OnQueued(const OutboxEntry& entry) {
  if (out_.contains(entry.job) || held_.contains(entry.job)) return;
  if (entry.position <= cursor_) {
    // Back at its old place.
    ready_[entry.position] = entry;
    return;
  }
  if (more_ || reading_ || ready_.size() >= kMaxWindow) {
    // Its turn comes when the table is read up to it.
    more_ = true;
    queued_while_reading_ = reading_;
    return;
  }
  ready_[entry.position] = entry;
  cursor_ = entry.position;
}

void DispatchLane::OnLeft(const JobId& job, int64_t position, bool claimed, absl::Duration now) {
  if (claimed) {
    const int64_t second = absl::ToInt64Seconds(now);
    Bucket& bucket = claims_[static_cast<size_t>(second) % claims_.size()];
    if (bucket.second != second) bucket = {second, 0};
    ++bucket.claims;
    last_claim_ = now;
  }
  out_.erase(job);
  held_.erase(job);
  no_handler_returns_.erase(job);
  const auto it = ready_.find(position);
  if (it != ready_.end() && it->second.job == job) ready_.erase(it);
  if (reading_) left_while_reading_.insert(job);
}

void DispatchLane::OnReturned(const OutboxEntry& entry, bool no_handler, absl::Duration now) {
  last_claim_ = now;
  out_.erase(entry.job);
  if (no_handler) {
    const int returns = ++no_handler_returns_[entry.job];
    held_[entry.job] = {entry, now + Backoff::Bound(kNoHandlerHold, kMaxNoHandlerHold, returns)};
  } else {
    ready_[entry.position] = entry;
  }
}

void DispatchLane::OnUndelivered(const JobId& job) {
  const auto it = out_.find(job);
  if (it == out_.end()) return;
  ready_[it->second.position] = std::move(it->second);
  out_.erase(it);
}

void DispatchLane::ReleaseHeld(absl::Duration now) {
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->second.until <= now) {
      ready_[it->second.entry.position] = it->second.entry;
      held_.erase(it++);
    } else {
      ++it;
    }
  }
}

std::optional<absl::Duration> DispatchLane::NextRelease() const {
  std::optional<absl::Duration> next;
  for (const auto& [job, held] : held_) {
    next = next.has_value() ? std::min(*next, held.until) : held.until;
  }
  return next;
}

std::vector<OutboxEntry> DispatchLane::TakeReady(absl::Duration now) {
  ReleaseHeld(now);
  const size_t window = Window(now);
  std::vector<OutboxEntry> taken;
  while (!ready_.empty() && out_.size() < window) {
    OutboxEntry entry = std::move(ready_.begin()->second);
    ready_.erase(ready_.begin());
    out_[entry.job] = entry;
    taken.push_back(std::move(entry));
  }
  return taken;
}

std::optional<DispatchLane::ReadRequest> DispatchLane::NextRead(absl::Duration now) {
  const size_t window = Window(now);
  if (!more_ || reading_ || !ready_.empty() || out_.size() >= window) return std::nullopt;
  reading_ = true;
  // Twice what fits, so that the next read comes before the window runs dry.
  return ReadRequest{cursor_, static_cast<int>(std::min(2 * window, kMaxWindow))};
}

void DispatchLane::OnRead(const std::optional<std::vector<OutboxEntry>>& entries, int limit) {
  reading_ = false;
  const auto left = std::exchange(left_while_reading_, {});
  const bool queued = std::exchange(queued_while_reading_, false);
  if (std::exchange(void_read_, false) || !entries.has_value()) return;
  for (const OutboxEntry& entry : *entries) {
    cursor_ = std::max(cursor_, entry.position);
    if (!out_.contains(entry.job) && !held_.contains(entry.job) && !left.contains(entry.job)) {
      ready_[entry.position] = entry;
    }
  }
  more_ = queued || static_cast<int>(entries->size()) >= limit;
}

bool DispatchLane::SeemsLost(int64_t broker_ready, int64_t prefetch, absl::Duration now) {
  const auto rows_out = static_cast<int64_t>(out_.size());
  if (broker_ready + prefetch >= rows_out) {
    short_since_.reset();
  } else if (!short_since_.has_value()) {
    short_since_ = now;
  }
  if (broker_ready > 0 || rows_out == 0) {
    empty_since_.reset();
  } else if (!empty_since_.has_value()) {
    empty_since_ = now;
  }
  return (short_since_.has_value() && now - *short_since_ >= kShortLimit) ||
         (empty_since_.has_value() && now - std::max(*empty_since_, last_claim_) >= kEmptyLimit);
}

void DispatchLane::Restart() {
  ready_.clear();
  out_.clear();
  held_.clear();
  no_handler_returns_.clear();
  cursor_ = 0;
  more_ = true;
  void_read_ = reading_;
  short_since_.reset();
  empty_since_.reset();
}

}  // namespace buzzer::state
