// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_LANES_DISPATCH_ROWS_H_
#define SERVICES_STATE_DISPATCH_LANES_DISPATCH_ROWS_H_

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "services/state/dispatch/lanes/dispatch_order.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// What is known of one lane's outbox rows of one type: which are out at the broker, which wait
// in memory to go out next, and up to where the table has been read. Bounded: a window of
// rows is out, a few times as many wait here, the rest stay in the database. Not thread-safe;
// pure: the dispatcher does what it says.
class DispatchRows {
 public:
  // Rows out at the broker: what was claimed in the last 5 s, within these.
  static constexpr size_t kMinWindow = 200;
  static constexpr size_t kMaxWindow = 10'000;
  // Where other types share the queue, their messages wait behind the rows that are out, so fewer
  // are: what was claimed in a second, or two for each slot of the type, and this at least.
  static constexpr size_t kMinSharedWindow = 20;
  // Jobs of one message: a worker's share of what the lane gets through in 20 ms, so that none
  // waits for long at the worker that gets it; within 1 and this.
  static constexpr size_t kMaxJobsPerMessage = 100;
  // Where a message may have several jobs, fewer than that wait for company until the last
  // message is this old: each message costs the broker, its worker and a commit.
  static constexpr absl::Duration kMessageInterval = absl::Milliseconds(10);

  // `order` is that of the lane, and not owned. `is_read`: there is nothing of the type in the
  // table but what OnQueued tells from now on.
  DispatchRows(std::string type, DispatchOrder* order, bool is_read)
      : type_(std::move(type)), order_(order), more_(!is_read) {}

  // A job became QUEUED.
  void OnQueued(const OutboxEntry& entry);
  // A job left QUEUED; `claimed` if a worker took it. `now` is monotonic.
  void OnLeft(const JobId& job, int64_t position, bool claimed, absl::Duration now);
  // A claim gave the job back. If that worker had no handler for it, it waits 1 s before
  // it goes out again, doubling to 30 s.
  void OnReturned(const OutboxEntry& entry, bool no_handler, absl::Duration now);
  // The broker has the message with the job.
  void OnConfirmed(const JobId& job);
  // The broker lost, refused or never had the message with the job.
  void OnUndelivered(const JobId& job);

  // How many workers serve the queue (0: not known, and each message has one job), and how many
  // jobs of the type they run at once, if other types share the queue.
  void SetWorkers(int workers, std::optional<int> shared_slots) {
    workers_ = static_cast<size_t>(workers);
    shared_slots_ = shared_slots;
  }

  // The next rows to publish, in order and by message, marked as out.
  using Message = std::vector<OutboxEntry>;
  std::vector<Message> TakeReady(absl::Duration now);
  // Until when the last TakeReady left rows to wait for company, if it did: ask again then.
  std::optional<absl::Duration> held_back_until() const { return held_back_until_; }

  // Where to read the outbox table next and how many rows, or nullopt if there is no
  // need. OnRead must follow (nullopt: the read failed).
  struct ReadRequest {
    int64_t after = 0;
    int limit = 0;
  };
  std::optional<ReadRequest> NextRead(absl::Duration now);
  void OnRead(const std::optional<std::vector<OutboxEntry>>& entries, int limit);

  // The broker is being asked what it has in the lane's queue.
  void BeginInspection() { ++inspection_; }
  // How many messages were confirmed before the broker was asked last, and have rows that nobody
  // came for yet.
  int64_t MessagesAtBroker() const { return MessagesOut(inspection_ - 1); }
  // When the last claim came, on the monotonic clock.
  absl::Duration last_claim() const { return last_claim_; }

  // Up to `limit` jobs, the first in order, whose messages the broker has had for a quarter of a
  // second: they lie unclaimed at some worker, or behind such messages. Each is given four times a
  // second at most.
  std::vector<JobId> TakeHoarded(size_t limit, absl::Duration now);

  // Takes back the rows that were sent before this batch (see DispatchOrder::TakeOvertaken), and
  // that nobody has come for. Returns how many; they go again.
  size_t RecallOvertaken(int64_t batch);

  // Forgets what is out: everything is read and dispatched anew.
  void Restart();

  // Whether it knows of any. Some may lie in the table all the same, as long as it has not been
  // read to its end.
  bool HasRows() const {
    return !ready_.empty() || !out_.empty() || !held_.empty() || !queued_while_reading_.empty();
  }
  bool is_reading() const { return reading_; }
  size_t out() const { return out_.size(); }
  int64_t messages_out() const { return MessagesOut(kNotConfirmed); }
  size_t Window(absl::Duration now) const;
  size_t JobsPerMessage(absl::Duration now) const;

 private:
  static constexpr int64_t kNotConfirmed = std::numeric_limits<int64_t>::max();

  struct Out {
    OutboxEntry entry;
    // Number of the last inspection before its confirm.
    int64_t confirmed_in = kNotConfirmed;
    // The number of its message, and the batch (see DispatchOrder) in which that was sent.
    int64_t message = 0;
    int64_t batch = 0;
    // Sent, or given by TakeHoarded.
    absl::Duration offered_at;
  };
  struct Held {
    OutboxEntry entry;
    absl::Duration until;
  };

  // Of the last 5 s.
  size_t RecentClaims(absl::Duration now) const;
  // Of the second before this one, or of this one so far if those are more.
  size_t ClaimsOfASecond(absl::Duration now) const;
  size_t ClaimsIn(int64_t second) const;
  // With rows that nobody came for yet, and confirmed by the inspection before this one.
  int64_t MessagesOut(int64_t inspection) const;
  bool Knows(const JobId& job) const { return out_.contains(job) || held_.contains(job); }
  void NoteArrival(const JobId& job);
  void TakeBack(const JobId& job);
  void ReleaseHeld(absl::Duration now);

  // Whether fewer rows than a message may have can go, and shortly after another message.
  bool HoldsBack(size_t window, size_t jobs_per_message, absl::Duration now) const;

  const std::string type_;
  DispatchOrder* const order_;
  size_t workers_ = 0;
  std::optional<int> shared_slots_;
  absl::Duration last_message_ = -absl::InfiniteDuration();
  std::optional<absl::Duration> held_back_until_;
  // Every row at or below was read, or told by OnQueued.
  int64_t cursor_ = 0;
  // There may be rows above the cursor.
  bool more_ = true;
  bool reading_ = false;
  // Rows to read next; more where the table is full of other types.
  int page_ = 0;
  // What came meanwhile, a Restart or more than is kept here, makes its answer void.
  bool void_read_ = false;
  // What a read under way may show wrongly: rows that came, and jobs that left.
  std::vector<OutboxEntry> queued_while_reading_;
  absl::flat_hash_set<JobId> left_while_reading_;

  std::map<int64_t, OutboxEntry> ready_;
  absl::flat_hash_map<JobId, Out> out_;
  // Given a second way, as overtaken or hoarded: that it comes shows nothing of its message.
  absl::flat_hash_set<JobId> recalled_;
  absl::flat_hash_map<JobId, Held> held_;
  absl::Duration next_release_ = absl::InfiniteDuration();
  absl::flat_hash_map<JobId, int> no_handler_returns_;

  // Claims of the last 5 s, by second.
  struct Bucket {
    int64_t second = -1;
    size_t claims = 0;
  };
  std::array<Bucket, 5> claims_;
  absl::Duration last_claim_ = -absl::InfiniteDuration();
  int64_t inspection_ = 0;
  int64_t messages_ = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_LANES_DISPATCH_ROWS_H_
