// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lanes/dispatch_rows.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/backoff/backoff.h"
#include "common/fault_points/fault_points.h"

namespace buzzer::state {
namespace {

// A message is claimed within milliseconds where a slot is free.
constexpr absl::Duration kHoardedAfter = absl::Milliseconds(250);
constexpr absl::Duration kNoHandlerHold = absl::Seconds(1);
constexpr absl::Duration kMaxNoHandlerHold = absl::Seconds(30);

}  // namespace

size_t DispatchRows::RecentClaims(absl::Duration now) const {
  const int64_t second = absl::ToInt64Seconds(now);
  size_t recent = 0;
  for (const Bucket& bucket : claims_) {
    if (bucket.second > second - static_cast<int64_t>(claims_.size())) recent += bucket.claims;
  }
  return recent;
}

size_t DispatchRows::ClaimsIn(int64_t second) const {
  const Bucket& bucket = claims_[static_cast<size_t>(second) % claims_.size()];
  return bucket.second == second ? bucket.claims : 0;
}

size_t DispatchRows::ClaimsOfASecond(absl::Duration now) const {
  const int64_t second = absl::ToInt64Seconds(now);
  return std::max(ClaimsIn(second), second == 0 ? 0 : ClaimsIn(second - 1));
}

size_t DispatchRows::Window(absl::Duration now) const {
  if (!shared_slots_.has_value()) return std::clamp(RecentClaims(now), kMinWindow, kMaxWindow);
  const size_t for_slots = 2 * static_cast<size_t>(std::max(*shared_slots_, 0));
  return std::clamp(std::max(ClaimsOfASecond(now), for_slots), kMinSharedWindow, kMaxWindow);
}

size_t DispatchRows::JobsPerMessage(absl::Duration now) const {
  if (workers_ == 0) return 1;
  // Of 5 s.
  return std::clamp<size_t>(RecentClaims(now) / 250 / workers_, 1, kMaxJobsPerMessage);
}

int64_t DispatchRows::MessagesOut(int64_t inspection) const {
  absl::flat_hash_set<int64_t> messages;
  for (const auto& [job, row] : out_) {
    if (row.confirmed_in <= inspection) messages.insert(row.message);
  }
  return static_cast<int64_t>(messages.size());
}

void DispatchRows::OnQueued(const OutboxEntry& entry) {
  if (Knows(entry.job)) return;
  // Planted bug, never in a real build: the row is in memory only (see steps/planted_rows.h).
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

void DispatchRows::OnLeft(const JobId& job, int64_t position, bool claimed, absl::Duration now) {
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

void DispatchRows::NoteArrival(const JobId& job) {
  const auto it = out_.find(job);
  // One that went twice shows nothing of what went between.
  const bool went_twice = recalled_.erase(job) > 0;
  if (it != out_.end() && !went_twice) order_->Arrived(it->second.batch);
}

void DispatchRows::TakeBack(const JobId& job) { out_.erase(job); }

void DispatchRows::OnReturned(const OutboxEntry& entry, bool no_handler, absl::Duration now) {
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

void DispatchRows::OnConfirmed(const JobId& job) {
  const auto it = out_.find(job);
  if (it != out_.end()) it->second.confirmed_in = inspection_;
}

void DispatchRows::OnUndelivered(const JobId& job) {
  const auto it = out_.find(job);
  if (it == out_.end()) return;
  ready_[it->second.entry.position] = std::move(it->second.entry);
  TakeBack(job);
}

void DispatchRows::ReleaseHeld(absl::Duration now) {
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

bool DispatchRows::HoldsBack(size_t window, size_t jobs_per_message, absl::Duration now) const {
  if (now - last_message_ >= kMessageInterval) return false;
  // What is still in the table is read when these have gone.
  if (more_ && ready_.size() < jobs_per_message) return false;
  return std::min(ready_.size(), window - out_.size()) < jobs_per_message;
}

std::vector<DispatchRows::Message> DispatchRows::TakeReady(absl::Duration now) {
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
      ++messages_;
    }
    OutboxEntry entry = std::move(ready_.begin()->second);
    ready_.erase(ready_.begin());
    out_[entry.job] = {entry, kNotConfirmed, messages_, order_->batch(), now};
    taken.back().push_back(std::move(entry));
  }
  if (!taken.empty()) last_message_ = now;
  return taken;
}

std::optional<DispatchRows::ReadRequest> DispatchRows::NextRead(absl::Duration now) {
  const size_t window = Window(now);
  if (!more_ || reading_ || !ready_.empty() || out_.size() >= window) return std::nullopt;
  reading_ = true;
  // Twice what fits, so that the next read comes before the window runs dry.
  page_ = std::max(page_, static_cast<int>(std::min(2 * window, kMaxWindow)));
  return ReadRequest{cursor_, page_};
}

void DispatchRows::OnRead(const std::optional<std::vector<OutboxEntry>>& entries, int limit) {
  reading_ = false;
  const auto left = std::exchange(left_while_reading_, {});
  const auto queued = std::exchange(queued_while_reading_, {});
  if (std::exchange(void_read_, false) || !entries.has_value()) return;
  bool found = false;
  for (const OutboxEntry& entry : *entries) {
    cursor_ = std::max(cursor_, entry.position);
    if (entry.type != type_) continue;
    found = true;
    if (!Knows(entry.job) && !left.contains(entry.job)) ready_[entry.position] = entry;
  }
  more_ = static_cast<int>(entries->size()) >= limit;
  page_ = found ? 0 : std::min(2 * page_, static_cast<int>(kMaxWindow));
  for (const OutboxEntry& entry : queued) {
    if (entry.position > cursor_) {
      more_ = true;
    } else if (!Knows(entry.job) && !left.contains(entry.job)) {
      ready_[entry.position] = entry;
    }
  }
}

std::vector<JobId> DispatchRows::TakeHoarded(size_t limit, absl::Duration now) {
  std::map<int64_t, Out*> hoarded;
  for (auto& [job, row] : out_) {
    if (row.confirmed_in == kNotConfirmed || now - row.offered_at < kHoardedAfter) continue;
    hoarded[row.entry.position] = &row;
    if (hoarded.size() > limit) hoarded.erase(std::prev(hoarded.end()));
  }
  std::vector<JobId> jobs;
  for (auto& [position, row] : hoarded) {
    row->offered_at = now;
    recalled_.insert(row->entry.job);
    jobs.push_back(row->entry.job);
  }
  return jobs;
}

size_t DispatchRows::RecallOvertaken(int64_t batch) {
  std::vector<JobId> overtaken;
  for (const auto& [job, row] : out_) {
    if (row.batch < batch && row.confirmed_in < inspection_) overtaken.push_back(job);
  }
  for (const JobId& job : overtaken) {
    OnUndelivered(job);
    recalled_.insert(job);
  }
  return overtaken.size();
}

void DispatchRows::Restart() {
  ready_.clear();
  out_.clear();
  recalled_.clear();
  held_.clear();
  next_release_ = absl::InfiniteDuration();
  no_handler_returns_.clear();
  cursor_ = 0;
  more_ = true;
  void_read_ = reading_;
  page_ = 0;
}

}  // namespace buzzer::state
