// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lanes/lane_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace buzzer::state {
namespace {

constexpr v1::Job::Priority kPriorities[] = {v1::Job::HIGH, v1::Job::NORMAL, v1::Job::LOW};

absl::string_view PriorityName(v1::Job::Priority priority) {
  switch (priority) {
    case v1::Job::HIGH:
      return "high";
    case v1::Job::LOW:
      return "low";
    default:
      return "normal";
  }
}

}  // namespace

std::vector<std::string> LaneTable::Add(const std::string& queue) {
  std::vector<std::string> broker_queues;
  for (const auto priority : kPriorities) {
    const auto [it, is_new] = lanes_.try_emplace(Lane{queue, priority});
    if (!is_new) continue;
    it->second.broker_queue = absl::StrCat(queue_prefix_, ".", queue, ".", PriorityName(priority));
    by_broker_queue_[it->second.broker_queue] = it->first;
    broker_queues.push_back(it->second.broker_queue);
  }
  return broker_queues;
}

std::vector<std::string> LaneTable::Remove(const std::string& queue) {
  const std::vector<Lane> lanes = LanesOf(queue);
  if (std::any_of(lanes.begin(), lanes.end(),
                  [&](const Lane& lane) { return lanes_.at(lane).rows.HasRows(); })) {
    return {};
  }
  std::vector<std::string> broker_queues;
  for (const Lane& lane : lanes) {
    auto entry = lanes_.extract(lane);
    by_broker_queue_.erase(entry.mapped().broker_queue);
    broker_queues.push_back(std::move(entry.mapped().broker_queue));
  }
  return broker_queues;
}

LaneTable::Entry* LaneTable::Find(const Lane& lane) {
  const auto it = lanes_.find(lane);
  return it == lanes_.end() ? nullptr : &it->second;
}

const Lane* LaneTable::LaneOf(const std::string& broker_queue) const {
  const auto it = by_broker_queue_.find(broker_queue);
  return it == by_broker_queue_.end() ? nullptr : &it->second;
}

std::vector<Lane> LaneTable::LanesOf(const std::string& queue) const {
  std::vector<Lane> lanes;
  for (const auto priority : kPriorities) {
    Lane lane = {queue, priority};
    if (lanes_.contains(lane)) lanes.push_back(std::move(lane));
  }
  return lanes;
}

size_t LaneTable::out() const {
  size_t out = 0;
  for (const auto& [lane, entry] : lanes_) out += entry.rows.out();
  return out;
}

std::set<std::string> LaneTable::QueuesWithRows() const {
  std::set<std::string> queues;
  for (const auto& [lane, entry] : lanes_) {
    if (entry.rows.HasRows()) queues.insert(lane.queue);
  }
  return queues;
}

void LaneTable::SetWorkers(const std::string& queue, int workers,
                           const std::map<std::string, WorkerSlots::Type>& types) {
  for (const Lane& lane : LanesOf(queue)) lanes_.at(lane).rows.SetWorkers(workers, types);
}

std::map<std::string, std::vector<JobId>> LaneTable::TakeHoarded(
    const std::string& queue, const std::map<std::string, WorkerSlots::Type>& types,
    absl::Duration now) {
  std::map<std::string, std::vector<JobId>> hoarded;
  const std::vector<Lane> lanes = LanesOf(queue);
  for (const auto& [type, slots] : types) {
    int idle = slots.idle;
    for (const Lane& lane : lanes) {
      for (const JobId& job : lanes_.at(lane).rows.TakeHoarded(type, idle, now)) {
        hoarded[type].push_back(job);
      }
    }
  }
  return hoarded;
}

}  // namespace buzzer::state
