// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_WORK_STREAM_H_
#define SERVICES_STATE_RPC_WORK_STREAM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/state/leases/lease_monitor.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/queues/worker_slots.h"
#include "services/state/rpc/server_stream.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// A worker's line: claims (step 4 of a job's life), renewals (5), progress (6) and
// outcomes (7). What the store cannot take now is not answered; the stream is closed, so
// that the worker asks again.
//
// The first Hello names the worker for as long as the stream lives. A Hello that is wrong, or of
// another name, ends the stream with INVALID_ARGUMENT, and nothing of it is remembered; so does
// anything that comes before the first. Of what follows, each part that is wrong (see
// boundary/work_checks.h) is refused by itself: a claim is gone, a renewal not held, an outcome
// not accepted, a progress report dropped; the rest of the message counts. The first is logged,
// and at the end how many there were.
//
// The worker is told (HelloAnswer) what of its Hello brings it no job, whenever that changes.
// Thread-safe.
class WorkStream final
    : public StreamHandler<internal::v1::WorkRequest, internal::v1::WorkResponse>,
      public std::enable_shared_from_this<WorkStream> {
 public:
  // What it talks to. Not owned.
  struct Parts {
    JobStore* store = nullptr;
    LeaseMonitor* leases = nullptr;
    TypeRegistry* types = nullptr;
    WorkerRegistry* workers = nullptr;
    WorkerSlots* slots = nullptr;
  };

  // `id` is unique among the process's streams; `peer` is for logs.
  WorkStream(Parts parts, int64_t id, std::string peer, std::shared_ptr<StreamWaker> waker);

  void OnRequest(internal::v1::WorkRequest& request) override;
  bool TakesRequests() override;
  bool NextResponse(internal::v1::WorkResponse* response) override;
  void OnClosed() override;

 private:
  // False: the stream is ended.
  bool OnHello(const internal::v1::Hello& hello);
  // Announces the types of the newest Hello, and tells the worker what came of it.
  void Announce();
  // Whether a part of a message is right; logs that it is not.
  bool Passes(absl::string_view part, const absl::Status& checked);
  // Counts what is asked of the store, and what it has answered.
  void Owe(size_t bytes);
  void Settle(size_t bytes);
  void OnClaims(const internal::v1::WorkRequest& request);
  // False: the claim is being answered already. Its answer may have a large payload, and is given
  // once.
  bool BeginClaim(const std::string& claim_id);
  void EndClaims(const std::vector<ClaimRequest>& claims);
  void OnRenewals(const internal::v1::WorkRequest& request);
  void OnProgress(internal::v1::WorkRequest& request);
  void OnOutcomes(internal::v1::WorkRequest& request);
  // A cancel that was committed together with its claim was told before the worker knew
  // the job: tells it again with the grant.
  void RepeatCancel(const internal::v1::ClaimAnswer& answer, internal::v1::WorkResponse& response);
  // Keeps the cancels of jobs whose grants did not fit: the worker does not know them yet.
  void HoldBackCancels(internal::v1::WorkResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds to what goes out next: `fill` gives about how many bytes it added. It answers what was
  // owed `settled` bytes for.
  template <typename Fill>
  void Send(Fill fill, size_t settled = 0);

  const Parts parts_;
  const int64_t id_;
  const std::string peer_;
  const std::shared_ptr<StreamWaker> waker_;
  // Written by OnRequest only.
  std::string worker_;
  // Of OnRequest, and of OnClosed, which comes after.
  int64_t refused_ = 0;

  // Of the newest Hello. Held while they are announced, so that answers keep their order; taken
  // before `mutex_`.
  Mutex announce_mutex_;
  std::vector<TypeRecord> types_ ABSL_GUARDED_BY(announce_mutex_);
  // As it was told last, serialized; and what was logged of it.
  std::string hello_answer_ ABSL_GUARDED_BY(announce_mutex_);
  std::string problem_ ABSL_GUARDED_BY(announce_mutex_);

  Mutex mutex_;
  internal::v1::WorkResponse outgoing_ ABSL_GUARDED_BY(mutex_);
  bool has_outgoing_ ABSL_GUARDED_BY(mutex_) = false;
  // About how much lies in `outgoing_`, and how much was read and is not answered yet.
  size_t outgoing_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t owed_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Ids of the claims that the store has not answered yet.
  absl::flat_hash_set<std::string> claiming_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_WORK_STREAM_H_
