// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/lost_messages.h"

#include <cstddef>

#include "common/fault_points/fault_points.h"
#include "common/log/log.h"

namespace buzzer::state {

void LostMessages::OnPrepared(const Lane& lane, absl::Duration now) {
  times_[lane] = {now + kInspectInterval, now + kIdleInspectInterval};
}

std::vector<LostMessages::Inspection> LostMessages::Begin(absl::Duration now) {
  // Planted bug, never in a real build: an ack counts as proof of a claim, so that nobody looks for
  // what was acked and never claimed.
  if (BUZZER_PLANTED("ack_before_claim")) return {};
  std::erase_if(times_, [&](const auto& one) { return lanes_->Find(one.first) == nullptr; });
  std::vector<Inspection> inspections;
  for (auto& [lane, times] : times_) {
    LaneTable::Entry& entry = *lanes_->Find(lane);
    if (now < times.inspect_at || !queues_->IsPrepared(entry.broker_queue)) continue;
    times.inspect_at = now + kInspectInterval;
    if (entry.rows.out() == 0 && now < times.idle_inspect_at) continue;
    times.idle_inspect_at = now + kIdleInspectInterval;
    entry.rows.BeginInspection();
    inspections.push_back({lane, entry.broker_queue});
  }
  return inspections;
}

bool LostMessages::OnInspected(const Lane& lane, const absl::StatusOr<amqp::QueueInfo>& info,
                               int64_t prefetch, absl::Duration now) {
  LaneTable::Entry* const entry = lanes_->Find(lane);
  if (entry == nullptr) return false;
  const std::string& broker_queue = entry->broker_queue;
  if (absl::IsAborted(info.status())) {
    queues_->Suspect(broker_queue);
    return true;
  }
  const bool gone = absl::IsNotFound(info.status());
  if (!queues_->IsPrepared(broker_queue) || (!info.ok() && !gone)) return false;
  if (!gone && entry->rows.HasStale(info->ready, now)) {
    log::Info("stale_messages_dropped", {{"broker_queue", broker_queue},
                                         {"messages", info->ready - entry->rows.messages_out()}});
    queues_->Unprepare(broker_queue);  // As below: purged, and what is QUEUED goes again.
    return true;
  }
  const size_t overtaken = entry->rows.RecallOvertaken(now);
  if (overtaken > 0) {
    log::Warning("broker_lost_messages", {{"broker_queue", broker_queue},
                                          {"why", "later ones were claimed minutes ago"},
                                          {"rows", overtaken}});
  }
  if (!gone && !entry->rows.SeemsLost(info->ready, prefetch, now)) return overtaken > 0;
  log::Warning("broker_lost_messages",
               {{"broker_queue", broker_queue},
                {"why", gone ? "the queue is gone" : "fewer messages than rows out"},
                {"rows", entry->rows.out()}});
  if (gone) {
    OnQueueGone(lane);
  } else {
    queues_->Unprepare(broker_queue);  // It is prepared again, and every row goes again.
  }
  return true;
}

void LostMessages::OnQueueGone(const Lane& lane) {
  for (const Lane& one : lanes_->LanesOf(lane.queue)) {
    const LaneTable::Entry& entry = *lanes_->Find(one);
    if (one == lane || entry.rows.out() == 0) queues_->Unprepare(entry.broker_queue);
  }
}

}  // namespace buzzer::state
