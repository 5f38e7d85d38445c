// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_LANES_DISPATCH_LANE_H_
#define SERVICES_STATE_DISPATCH_LANES_DISPATCH_LANE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/state/dispatch/lanes/dispatch_order.h"
#include "services/state/dispatch/lanes/dispatch_rows.h"
#include "services/state/queues/worker_slots.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// What is known of one lane's outbox: its rows, type by type, so that none stands behind a deep
// backlog of another; and whether the broker seems to have lost some. Not thread-safe; pure: the
// dispatcher does what it says.
class DispatchLane {
 public:
  using Message = DispatchRows::Message;

  // Where to read the outbox table, and how many rows.
  struct ReadRequest {
    // Whose rows are looked for. Empty: those of any type, since none is known.
    std::vector<std::string> types;
    int64_t after = 0;
    int limit = 0;
  };

  DispatchLane() = default;
  DispatchLane(const DispatchLane&) = delete;
  DispatchLane& operator=(const DispatchLane&) = delete;

  // As in DispatchRows, for the rows of the entry's type.
  void OnQueued(const OutboxEntry& entry) { RowsOf(entry.type).OnQueued(entry); }
  void OnLeft(const OutboxEntry& entry, bool claimed, absl::Duration now);
  void OnReturned(const OutboxEntry& entry, bool no_handler, absl::Duration now) {
    RowsOf(entry.type).OnReturned(entry, no_handler, now);
  }
  void OnConfirmed(const std::string& type, const JobId& job);
  void OnUndelivered(const std::string& type, const JobId& job);

  // How many workers serve the queue now, and the slots that they have for each type.
  void SetWorkers(int workers, const std::map<std::string, WorkerSlots::Type>& types);

  // The next messages to publish, each of one type, marked as out: those first that have waited
  // longest.
  std::vector<Message> TakeReady(absl::Duration now);
  // Until when the last TakeReady left rows to wait for company, if it did: ask again then.
  std::optional<absl::Duration> held_back_until() const;
  // Jobs of `type` that lie unclaimed at some worker, the first in order, for up to `idle` slots of
  // others that wait for them; takes from `idle` what it gives.
  std::vector<JobId> TakeHoarded(const std::string& type, int& idle, absl::Duration now);

  // What to read next: once for all types that have got to the same place, so that the table is
  // not read by each type anew. OnRead must follow each (nullopt: the read failed).
  std::vector<ReadRequest> NextReads(absl::Duration now);
  void OnRead(const ReadRequest& request, const std::optional<std::vector<OutboxEntry>>& entries);

  // The broker is being asked what it has in the lane's queue.
  void BeginInspection();
  // What it said, `prefetch` being what may lie at workers: returns whether messages must
  // have been lost, so that every row has to go again. Only messages that were confirmed
  // before it was asked are missed.
  bool SeemsLost(int64_t broker_ready, int64_t prefetch, absl::Duration now);
  // Takes back the rows of messages that were overtaken long ago by others of the lane, and that
  // nobody has come for. Returns how many; they go again.
  size_t RecallOvertaken(absl::Duration now);
  // Whether the broker has a window more than is out: messages of jobs that were cancelled
  // or whose deadline passed, and that no worker came to drop.
  bool HasStale(int64_t broker_ready, absl::Duration now) const;

  // Forgets what is out: everything is read and dispatched anew.
  void Restart();

  bool HasRows() const;
  size_t out() const;
  int64_t messages_out() const;

 private:
  DispatchRows& RowsOf(const std::string& type);
  void TellWorkers();

  DispatchOrder order_;
  std::map<std::string, DispatchRows> rows_;
  int workers_ = 0;
  std::map<std::string, WorkerSlots::Type> types_of_workers_;
  // While no type is known, the table is read for those that it has.
  bool searching_ = false;
  // It had none: what there is comes by OnQueued.
  bool searched_ = false;
  // Restart has come while it was being read.
  bool void_search_ = false;
  // Since when the broker has had fewer messages than rows are out.
  std::optional<absl::Duration> short_since_;
  std::optional<absl::Duration> empty_since_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_LANES_DISPATCH_LANE_H_
