// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_WORK_STREAM_H_
#define SERVICES_STATE_RPC_WORK_STREAM_H_

#include <memory>
#include <string>

#include "buzzer/internal/v1/work_service.pb.h"
#include "common/mutex/mutex.h"
#include "services/state/job_store.h"
#include "services/state/lease_monitor.h"
#include "services/state/rpc/server_stream.h"
#include "services/state/type_registry.h"
#include "services/state/worker_registry.h"

namespace buzzer::state {

// A worker's line: claims (step 4 of a job's life), renewals (5), progress (6) and
// outcomes (7). What the store cannot take now is not answered; the stream is closed, so
// that the worker asks again. Thread-safe.
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
  };

  // `id` is unique among the process's streams; `peer` is for logs.
  WorkStream(Parts parts, int64_t id, std::string peer, std::shared_ptr<StreamWaker> waker);

  void OnRequest(internal::v1::WorkRequest& request) override;
  bool NextResponse(internal::v1::WorkResponse* response) override;
  void OnClosed() override;

 private:
  void OnHello(const internal::v1::Hello& hello);
  void OnClaims(const internal::v1::WorkRequest& request);
  void OnRenewals(const internal::v1::WorkRequest& request);
  void OnProgress(internal::v1::WorkRequest& request);
  void OnOutcomes(internal::v1::WorkRequest& request);
  // A cancel that was committed together with its claim was told before the worker knew
  // the job: tells it again with the grant.
  void RepeatCancel(const internal::v1::ClaimAnswer& answer, internal::v1::WorkResponse& response);
  // Keeps the cancels of jobs whose grants did not fit: the worker does not know them yet.
  void HoldBackCancels(internal::v1::WorkResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds to what goes out next.
  template <typename Fill>
  void Send(Fill fill);

  const Parts parts_;
  const int64_t id_;
  const std::string peer_;
  const std::shared_ptr<StreamWaker> waker_;
  // Written by OnRequest only.
  std::string worker_;

  Mutex mutex_;
  internal::v1::WorkResponse outgoing_ ABSL_GUARDED_BY(mutex_);
  bool has_outgoing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_WORK_STREAM_H_
