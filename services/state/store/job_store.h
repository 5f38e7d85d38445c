// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_JOB_STORE_H_
#define SERVICES_STATE_STORE_JOB_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "services/state/job/job_lifecycle.h"
#include "services/state/job/job_record.h"
#include "services/state/store/refusals.h"

namespace buzzer::state {

// Reason of UNAVAILABLE when a commit failed in such a way that what it wrote may have been
// kept all the same. Asking again is safe, and tells.
inline constexpr char kCommitInDoubt[] = "COMMIT_IN_DOUBT";
// And when there is no room for new jobs.
inline constexpr char kStoreFull[] = "STORE_FULL";
// Reason of INVALID_ARGUMENT for a new job without a queue.
inline constexpr char kNoQueue[] = "NO_QUEUE";

// What one commit did to one job. Progress reports are changes too.
struct JobChange {
  enum class Kind {
    kState,     // inserted or moved; `entry` is the line in its history
    kProgress,  // a new progress, `job.progress`
    kReturned,  // a claim gave it back to the outbox; the state stays QUEUED
    kDeleted,
  };
  Kind kind = Kind::kState;
  // Before the change; STATE_UNSPECIFIED for a new job.
  JobState before = v1::Job::STATE_UNSPECIFIED;
  // After the change (before it, for kDeleted).
  JobRecord job;
  HistoryEntry entry;
};

// Hears of every commit, in their order, before the callers of the store do. Called on the
// store's writer thread: must not block, and must not wait for the store.
class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  virtual void OnCommit(const std::vector<JobChange>& changes) = 0;
  // The store was opened anew after its disk failed; the last commit before may or may
  // not have been kept. What the observer remembers of jobs has to be read again.
  virtual void OnReopen() {}
};

// A queue's and a tenant's jobs by state. The index is JobState.
struct QueueCounts {
  std::string queue;
  std::string tenant;
  int64_t by_state[8] = {};
};

// A place in the outbox: a job that is QUEUED, in the order to dispatch.
struct OutboxEntry {
  int64_t position = 0;
  JobId job;
  std::string type;
  absl::Time queued_at;
};

// One queue's priority class: what a broker queue is for.
struct Lane {
  std::string queue;
  v1::Job::Priority priority = v1::Job::NORMAL;
  friend bool operator==(const Lane&, const Lane&) = default;
  friend auto operator<=>(const Lane&, const Lane&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Lane& lane) {
    return H::combine(std::move(h), lane.queue, static_cast<int>(lane.priority));
  }
};

struct ClaimResult {
  // kNone: gone.
  ClaimAnswer answer = ClaimAnswer::kNone;
  // Set when granted.
  std::optional<internal::v1::Granted> granted;
};

struct OutcomeReport {
  LeaseRef lease;
  enum class Kind { kSuccess, kFailure, kHandedBack } kind = Kind::kSuccess;
  internal::v1::Success success;
  v1::JobError failure;
};

struct ProgressReport {
  LeaseRef lease;
  v1::Progress progress;
};

struct LeaseLoss {
  LeaseRef lease;
  LossCause cause = LossCause::kLeaseExpired;
};

struct TypeRecord {
  std::string type;
  std::string queue;
  absl::Time last_seen;
};

// A type is forgotten this long after its last worker.
inline constexpr absl::Duration kTypeRetention = absl::Hours(24 * 30);

struct ListQuery {
  std::string tenant;
  int page_size = 50;
  // Only ids below this one.
  std::optional<JobId> before;
  std::optional<JobState> state;
  std::string type;
  std::string queue;
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<absl::Time> created_from;
  std::optional<absl::Time> created_until;
};

struct ListPage {
  std::vector<JobRecord> jobs;
  // Where the next page starts; nullopt at the end.
  std::optional<JobId> next_before;
};

struct FullJob {
  JobRecord job;
  std::string payload;
  std::vector<HistoryEntry> history;
};

struct StoredResult {
  std::string content_type;
  std::string body;
};

// A job, and its result if it has one.
struct FoundResult {
  JobRecord job;
  StoredResult result;
};

// How much more there is room for.
struct StoreSpace {
  // Jobs QUEUED or SCHEDULED, and how many there may be before new ones are refused.
  int64_t waiting = 0;
  int64_t max_waiting = 0;
  // Bytes that are free on the disk, unless it does not tell, and that must stay so.
  std::optional<int64_t> disk_free;
  int64_t disk_floor = 0;
  // The last write found no space.
  bool disk_full = false;
  // Submits that were refused since the start; each reason has its place.
  std::map<Refusal, int64_t> refused;
};

// What a watch that begins needs: the job, its newest progress data, and its state
// changes above a revision.
struct WatchStart {
  JobRecord job;
  std::vector<HistoryEntry> changes;
  // Not the store's: who shows the job says why it waits.
  v1::Job::WaitReason wait_reason = v1::Job::WAIT_REASON_UNSPECIFIED;
};

// Every job, its history, payload, result and outbox, on disk. All calls return at
// once; writes gather while a commit is under way and share the next one (natural
// batching). Nothing is told to a callback or an observer before it is committed.
//
// Callbacks run on a thread of the store, must not block, and may call back. Errors
// common to all: UNAVAILABLE (the store is busy beyond its bound, shutting down, the
// disk is full or broken: nothing of the call was done unless the message says that
// this is unknown). NOT_FOUND: no such job, or another tenant's.
//
// Thread-safe. Nothing in it assumes one writer, or that outbox positions are
// committed in their order.
class JobStore {
 public:
  template <typename T>
  using Callback = absl::AnyInvocable<void(absl::StatusOr<T>)>;
  template <typename T>
  using Each = std::vector<absl::StatusOr<T>>;

  virtual ~JobStore() = default;

  // Hears of every commit from now on. Call before the first write. Not owned.
  virtual void AddObserver(CommitObserver* observer) = 0;

  // Accepts jobs, each by itself. `queue` in each is resolved already; one without is
  // looked for, and never new. A job whose id is known, or whose idempotency key is
  // known with the same hash, gives the stored one. Errors of one: ALREADY_EXISTS
  // KEY_REUSED, FAILED_PRECONDITION JOB_DELETED, UNAVAILABLE STORE_FULL,
  // RESOURCE_EXHAUSTED QUEUE_FULL, INVALID_ARGUMENT NO_QUEUE.
  virtual void Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) = 0;

  // Answers each claim, durably.
  virtual void Claim(std::vector<ClaimRequest> claims, Callback<std::vector<ClaimResult>> done) = 0;

  // True for each outcome that counts (or counted before), false for one whose lease
  // is not the current one.
  virtual void Finish(std::vector<OutcomeReport> outcomes, Callback<std::vector<bool>> done) = 0;

  // Newest wins; reports without the current lease are dropped.
  virtual void ReportProgress(std::vector<ProgressReport> reports, Callback<bool> done) = 0;

  // Takes attempts from workers that are lost; those that ended meanwhile are left.
  virtual void LoseLeases(std::vector<LeaseLoss> losses, Callback<bool> done) = 0;

  // `force`: see ForceCancel.
  virtual void Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) = 0;
  virtual void Retry(std::string tenant, JobId job, Callback<JobRecord> done) = 0;
  // FAILED_PRECONDITION JOB_NOT_FINISHED.
  virtual void Delete(std::string tenant, JobId job, Callback<bool> done) = 0;

  // Frees an idempotency key, for the next submit with it; its job, which has ended, stays without
  // it. NOT_FOUND KEY_NOT_FOUND; FAILED_PRECONDITION JOB_NOT_FINISHED.
  virtual void ReleaseKey(std::string tenant, std::string key, Callback<bool> done) = 0;

  // Does what the wall clock asks for, at most `limit` jobs: due, deadline, purge;
  // forgets keys and types that are over. Gives the number of jobs that it changed
  // and the time of the next one.
  struct TimerResult {
    int changed = 0;
    std::optional<absl::Time> next;
  };
  virtual void RunTimers(int limit, Callback<TimerResult> done) = 0;
  // The wall clock was stepped: every job that waits for a retry still waits as long as it
  // would have, and none longer than a retry may (also whenever a store opens). Makes no
  // revision. Writes every such row in one commit: some 0.5 s for 100 000 of them.
  virtual void ShiftRetries(absl::Duration step, Callback<bool> done) = 0;

  virtual void SetPaused(std::string queue, bool paused, Callback<bool> done) = 0;
  // Remembers types and when they were last seen.
  virtual void SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) = 0;

  virtual void Get(std::string tenant, JobId job, Callback<JobRecord> done) = 0;
  virtual void GetFull(std::string tenant, JobId job, Callback<FullJob> done) = 0;
  virtual void GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                           Callback<WatchStart> done) = 0;
  // NOT_FOUND RESULT_NOT_READY with RetryInfo; FAILED_PRECONDITION JOB_FAILED,
  // JOB_CANCELLED.
  virtual void GetResult(std::string tenant, JobId job, Callback<StoredResult> done) = 0;
  // Reads at most 10 x page_size index rows, so a page may come short.
  virtual void List(ListQuery query, Callback<ListPage> done) = 0;

  // The next `limit` places of the lane above `after`, in order.
  virtual void ReadOutbox(Lane lane, int64_t after, int limit,
                          Callback<std::vector<OutboxEntry>> done) = 0;
  // Every job RUNNING or CANCELLING: for the leases after a start.
  virtual void ReadActive(Callback<std::vector<JobRecord>> done) = 0;
  virtual void ReadTypes(Callback<std::vector<TypeRecord>> done) = 0;
  virtual void ReadPausedQueues(Callback<std::vector<std::string>> done) = 0;
  // When the job at the head of each queue became ready; nullopt where none is.
  virtual void ReadOldestReady(std::vector<std::string> queues,
                               Callback<std::vector<std::optional<absl::Time>>> done) = 0;

  // Of every queue and tenant that has jobs. A store that knows them by heart calls `done` before
  // it returns.
  virtual void ReadCounts(Callback<std::vector<QueueCounts>> done) = 0;
  // What this process admits: from memory, but for the file system that it asks.
  virtual StoreSpace Space() const = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_JOB_STORE_H_
