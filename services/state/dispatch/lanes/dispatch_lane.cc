// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lanes/dispatch_lane.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace buzzer::state {
namespace {

// Fewer messages than rows out for so long: they are lost.
constexpr absl::Duration kShortLimit = absl::Seconds(15);
// No message at all and no claim for so long, although the prefetch of the workers could
// explain where the messages are: they are lost too.
constexpr absl::Duration kEmptyLimit = absl::Seconds(60);
// Rows read at once to find types.
constexpr int kSearchPage = 400;

}  // namespace

DispatchRows& DispatchLane::RowsOf(const std::string& type) {
  const auto [it, is_new] = rows_.try_emplace(type, type, &order_, /*is_read=*/searched_);
  if (is_new) TellWorkers();
  return it->second;
}

void DispatchLane::OnLeft(const OutboxEntry& entry, bool claimed, absl::Duration now) {
  const auto rows = rows_.find(entry.type);
  if (rows != rows_.end()) rows->second.OnLeft(entry.job, entry.position, claimed, now);
  if (rows == rows_.end() || rows->second.out() > 0 || out() > 0) return;
  short_since_.reset();
  empty_since_.reset();
}

void DispatchLane::OnConfirmed(const std::string& type, const JobId& job) {
  const auto rows = rows_.find(type);
  if (rows != rows_.end()) rows->second.OnConfirmed(job);
}

void DispatchLane::OnUndelivered(const std::string& type, const JobId& job) {
  const auto rows = rows_.find(type);
  if (rows != rows_.end()) rows->second.OnUndelivered(job);
}

void DispatchLane::SetWorkers(int workers, const std::map<std::string, WorkerSlots::Type>& types) {
  workers_ = workers;
  types_of_workers_ = types;
  // Rows of a type that somebody waits for are looked for behind those of others.
  for (const auto& [type, slots] : types) RowsOf(type);
  TellWorkers();
}

void DispatchLane::TellWorkers() {
  for (auto& [type, rows] : rows_) {
    std::optional<int> shared_slots;
    if (rows_.size() > 1) {
      const auto served = types_of_workers_.find(type);
      shared_slots = served == types_of_workers_.end() ? 0 : served->second.slots;
    }
    rows.SetWorkers(workers_, shared_slots);
  }
}

std::vector<DispatchLane::Message> DispatchLane::TakeReady(absl::Duration now) {
  std::vector<Message> messages;
  order_.BeginBatch();
  for (auto& [type, rows] : rows_) {
    std::vector<Message> taken = rows.TakeReady(now);
    std::move(taken.begin(), taken.end(), std::back_inserter(messages));
  }
  if (rows_.size() > 1) {
    std::sort(messages.begin(), messages.end(), [](const Message& a, const Message& b) {
      return a.front().position < b.front().position;
    });
  }
  return messages;
}

std::optional<absl::Duration> DispatchLane::held_back_until() const {
  std::optional<absl::Duration> first;
  for (const auto& [type, rows] : rows_) {
    const auto until = rows.held_back_until();
    if (until.has_value() && (!first.has_value() || *until < *first)) first = until;
  }
  return first;
}

std::vector<JobId> DispatchLane::TakeHoarded(const std::string& type, int& idle,
                                             absl::Duration now) {
  const auto rows = rows_.find(type);
  if (idle <= 0 || rows == rows_.end()) return {};
  std::vector<JobId> jobs = rows->second.TakeHoarded(static_cast<size_t>(idle), now);
  idle -= static_cast<int>(jobs.size());
  return jobs;
}

std::vector<DispatchLane::ReadRequest> DispatchLane::NextReads(absl::Duration now) {
  if (rows_.empty()) {
    if (searching_ || searched_) return {};
    searching_ = true;
    return {{{}, 0, kSearchPage}};
  }
  std::map<int64_t, ReadRequest> by_place;
  for (auto& [type, rows] : rows_) {
    const auto wanted = rows.NextRead(now);
    if (!wanted.has_value()) continue;
    ReadRequest& read = by_place[wanted->after];
    read.types.push_back(type);
    read.after = wanted->after;
    read.limit = std::max(read.limit, wanted->limit);
  }
  std::vector<ReadRequest> reads;
  reads.reserve(by_place.size());
  for (auto& [place, read] : by_place) reads.push_back(std::move(read));
  return reads;
}

void DispatchLane::OnRead(const ReadRequest& request,
                          const std::optional<std::vector<OutboxEntry>>& entries) {
  const bool is_search = request.types.empty();
  if (is_search) searching_ = false;
  if (entries.has_value()) {
    for (const OutboxEntry& entry : *entries) RowsOf(entry.type);
    if (is_search) searched_ = rows_.empty() && !void_search_;
  }
  if (is_search) void_search_ = false;
  for (const std::string& type : request.types) RowsOf(type).OnRead(entries, request.limit);
}

void DispatchLane::BeginInspection() {
  for (auto& [type, rows] : rows_) rows.BeginInspection();
}

bool DispatchLane::SeemsLost(int64_t broker_ready, int64_t prefetch, absl::Duration now) {
  int64_t messages_out = 0;
  absl::Duration last_claim = -absl::InfiniteDuration();
  for (const auto& [type, rows] : rows_) {
    messages_out += rows.MessagesAtBroker();
    last_claim = std::max(last_claim, rows.last_claim());
  }
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
         (empty_since_.has_value() && now - std::max(*empty_since_, last_claim) >= kEmptyLimit);
}

size_t DispatchLane::RecallOvertaken(absl::Duration now) {
  const std::optional<int64_t> overtaken = order_.TakeOvertaken(now);
  if (!overtaken.has_value()) return 0;
  size_t recalled = 0;
  for (auto& [type, rows] : rows_) recalled += rows.RecallOvertaken(*overtaken);
  return recalled;
}

bool DispatchLane::HasStale(int64_t broker_ready, absl::Duration now) const {
  size_t window = 0;
  for (const auto& [type, rows] : rows_) window += rows.Window(now);
  window = std::max(window, DispatchRows::kMinWindow);
  return broker_ready > messages_out() + static_cast<int64_t>(window);
}

void DispatchLane::Restart() {
  // A type of which nothing is left is found again if it comes back.
  std::erase_if(rows_, [&](const auto& entry) {
    return !entry.second.HasRows() && !entry.second.is_reading() &&
           !types_of_workers_.contains(entry.first);
  });
  for (auto& [type, rows] : rows_) rows.Restart();
  void_search_ = searching_;
  searched_ = false;
  short_since_.reset();
  empty_since_.reset();
}

bool DispatchLane::HasRows() const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [](const auto& entry) { return entry.second.HasRows(); });
}

size_t DispatchLane::out() const {
  size_t sum = 0;
  for (const auto& [type, rows] : rows_) sum += rows.out();
  return sum;
}

int64_t DispatchLane::messages_out() const {
  int64_t sum = 0;
  for (const auto& [type, rows] : rows_) sum += rows.messages_out();
  return sum;
}

}  // namespace buzzer::state
