// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch_lane.h"

#include <algorithm>
#include <utility>

#include "common/backoff/backoff.h"
#include "common/fault_points/fault_points.h"

namespace buzzer::state {
namespace {

// Fewer messages than rows out for so long: they are lost.
constexpr absl::Duration kShortLimit = absl::Seconds(15);
// No message at all and no claim for so long, although the prefetch of the workers could
// explain where the messages are: they are lost too.
constexpr absl::Duration kEmptyLimit = absl::Seconds(60);
constexpr absl::Duration kOvertakenLimit = absl::Minutes(5);
constexpr absl::Duration kNoHandlerHold = absl::Seconds(1);
constexpr absl::Duration kMaxNoHandlerHold = absl::Seconds(30);

}  // namespace

size_t DispatchLane::RecentClaims(absl::Duration now) const {
  const int64_t second = absl::ToInt64Seconds(now);
  size_t recent = 0;
  for (const Bucket& bucket : claims_) {
    if (bucket.second > second - static_cast<int64_t>(claims_.size())) recent += bucket.claims;
  }
  return recent;
}

size_t DispatchLane::Window(absl::Duration now) const {
  return std::clamp(RecentClaims(now), kMinWindow, kMaxWindow);
}

size_t DispatchLane::JobsPerMessage(absl::Duration now) const {
  if (workers_ == 0) return 1;
  // Of 5 s.
  return std::clamp<size_t>(RecentClaims(now) / 250 / workers_, 1, kMaxJobsPerMessage);
}

int64_t DispatchLane::MessagesOut(int64_t inspection) const {
  absl::flat_hash_set<int64_t> messages;
  for (const auto& [job, row] : out_) {
    if (row.confirmed_in <= inspection) messages.insert(row.dispatch);
  }
  return static_cast<int64_t>(messages.size());
}

void DispatchLane::OnQueued(const OutboxEntry& entry) {
  if (Knows(entry.job)) return;
  // Planted bug, never in a real build: the row is in memory only (see StoreWriter::Enqueue).
  const bool no_row = BUZZER_PLANTED("publish_without_outbox");
  if (no_row || entry.position <= cursor_) {
    // Back at its old place.
    ready_[entry.position] = entry;
  } else if (reading_) {
    // Whether the read shows it, or passes its place without, is seen when it ends.
    left_while_reading_.erase(entry.job);
    if (queued_while_reading_.size() < kMaxWindow) {
      queued_while_reading_.push_back(entry);
    } else {
      void_read_ = true;
    }
  } else if (more_ || ready_.size() >= kMaxWindow) {
    more_ = true;  // Its turn comes when the table is read up to it.
  } else {
    ready_[entry.position] = entry;
    cursor_ = entry.position;
  }
}

void DispatchLane::OnLeft(const JobId& job, int64_t position, bool claimed, absl::Duration now) {
  if (claimed) {
    const int64_t second = absl::ToInt64Seconds(now);
    Bucket& bucket = claims_[static_cast<size_t>(second) % claims_.size()];
    if (bucket.second != second) bucket = {second, 0};
    ++bucket.claims;
    last_claim_ = now;
    NoteArrival(job);
  }
  TakeBack(job);
  recalled_.erase(job);
  held_.erase(job);
  no_handler_returns_.erase(job);
  const auto it = ready_.find(position);
  if (it != ready_.end() && it->second.job == job) ready_.erase(it);
  if (reading_) left_while_reading_.insert(job);
}

void DispatchLane::NoteArrival(const JobId& job) {
  const auto it = out_.find(job);
  // One that went twice shows nothing of what went between.
  const bool went_twice = recalled_.erase(job) > 0;
  if (it != out_.end() && !went_twice) arrived_ = std::max(arrived_, it->second.dispatch);
}

void DispatchLane::TakeBack(const JobId& job) {
  out_.erase(job);
  if (!out_.empty()) return;
  short_since_.reset();
  empty_since_.reset();
}

void DispatchLane::OnReturned(const OutboxEntry& entry, bool no_handler, absl::Duration now) {
  last_claim_ = now;
  NoteArrival(entry.job);
  TakeBack(entry.job);
  if (no_handler) {
    const int returns = ++no_handler_returns_[entry.job];
    const absl::Duration until = now + Backoff::Bound(kNoHandlerHold, kMaxNoHandlerHold, returns);
    held_[entry.job] = {entry, until};
    next_release_ = std::min(next_release_, until);
    ready_.erase(entry.position);
  } else {
    held_.erase(entry.job);
    ready_[entry.position] = entry;
  }
}

void DispatchLane::OnConfirmed(const JobId& job) {
  const auto it = out_.find(job);
  if (it != out_.end()) it->second.confirmed_in = inspection_;
}

void DispatchLane::OnUndelivered(const JobId& job) {
  const auto it = out_.find(job);
  if (it == out_.end()) return;
  ready_[it->second.entry.position] = std::move(it->second.entry);
  TakeBack(job);
}

void DispatchLane::ReleaseHeld(absl::Duration now) {
  if (now < next_release_) return;
  next_release_ = absl::InfiniteDuration();
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->second.until <= now) {
      ready_[it->second.entry.position] = it->second.entry;
      held_.erase(it++);
    } else {
      next_release_ = std::min(next_release_, it->second.until);
      ++it;
    }
  }
}

bool DispatchLane::HoldsBack(size_t window, size_t jobs_per_message, absl::Duration now) const {
  if (now - last_message_ >= kMessageInterval) return false;
  // What is still in the table is read when these have gone.
  if (more_ && ready_.size() < jobs_per_message) return false;
  return std::min(ready_.size(), window - out_.size()) < jobs_per_message;
}

std::vector<DispatchLane::Message> DispatchLane::TakeReady(absl::Duration now) {
  ReleaseHeld(now);
  const size_t window = Window(now);
  const size_t jobs_per_message = JobsPerMessage(now);
  std::vector<Message> taken;
  held_back_until_.reset();
  // With so many held the next would be held too; and what is held takes memory.
  while (!ready_.empty() && out_.size() < window && held_.size() < kMaxWindow) {
    if (taken.empty() || taken.back().size() >= jobs_per_message) {
      if (HoldsBack(window, jobs_per_message, now)) {
        held_back_until_ = last_message_ + kMessageInterval;
        break;
      }
      taken.emplace_back();
      ++dispatches_;
    }
    OutboxEntry entry = std::move(ready_.begin()->second);
    ready_.erase(ready_.begin());
    out_[entry.job] = {entry, kNotConfirmed, dispatches_};
    taken.back().push_back(std::move(entry));
  }
  if (!taken.empty()) last_message_ = now;
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
  const auto queued = std::exchange(queued_while_reading_, {});
  if (std::exchange(void_read_, false) || !entries.has_value()) return;
  for (const OutboxEntry& entry : *entries) {
    cursor_ = std::max(cursor_, entry.position);
    if (!Knows(entry.job) && !left.contains(entry.job)) ready_[entry.position] = entry;
  }
  more_ = static_cast<int>(entries->size()) >= limit;
  for (const OutboxEntry& entry : queued) {
    if (entry.position > cursor_) {
      more_ = true;
    } else if (!Knows(entry.job) && !left.contains(entry.job)) {
      ready_[entry.position] = entry;
    }
  }
}

bool DispatchLane::SeemsLost(int64_t broker_ready, int64_t prefetch, absl::Duration now) {
  const int64_t messages_out = MessagesOut(inspection_ - 1);
  if (broker_ready + prefetch >= messages_out) {
    short_since_.reset();
  } else if (!short_since_.has_value()) {
    short_since_ = now;
  }
  if (broker_ready > 0 || messages_out == 0) {
    empty_since_.reset();
  } else if (!empty_since_.has_value()) {
    empty_since_ = now;
  }
  return (short_since_.has_value() && now - *short_since_ >= kShortLimit) ||
         (empty_since_.has_value() && now - std::max(*empty_since_, last_claim_) >= kEmptyLimit);
}

size_t DispatchLane::RecallOvertaken(absl::Duration now) {
  if (now - arrived_before_at_ < kOvertakenLimit) return 0;
  std::vector<JobId> overtaken;
  for (const auto& [job, row] : out_) {
    if (row.dispatch < arrived_before_ && row.confirmed_in < inspection_) overtaken.push_back(job);
  }
  for (const JobId& job : overtaken) {
    OnUndelivered(job);
    recalled_.insert(job);
  }
  arrived_before_ = arrived_;
  arrived_before_at_ = now;
  return overtaken.size();
}

void DispatchLane::Restart() {
  ready_.clear();
  out_.clear();
  recalled_.clear();
  held_.clear();
  next_release_ = absl::InfiniteDuration();
  no_handler_returns_.clear();
  cursor_ = 0;
  more_ = true;
  void_read_ = reading_;
  short_since_.reset();
  empty_since_.reset();
}

}  // namespace buzzer::state
