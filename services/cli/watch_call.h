// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_WATCH_CALL_H_
#define SERVICES_CLI_WATCH_CALL_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "common/mutex/mutex.h"

namespace buzzer::cli {

// One WatchJob call. An event is read only when the one before was taken, so a slow
// terminal slows the stream and nothing grows. Take from one thread; Cancel from any.
class WatchCall final : private grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  WatchCall(v1::JobService::StubInterface* stub, const std::string& job_name,
            int64_t after_revision);
  // Cancels what is under way and waits for its end.
  ~WatchCall() override;

  // The next event; nullopt if there is none within `timeout`, which is finite, or the
  // stream has ended.
  std::optional<v1::JobEvent> Take(absl::Duration timeout);

  // How the stream ended; nullopt while it goes on or events wait.
  std::optional<absl::Status> status() const;

  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  // Constant after construction; gRPC reads them until OnDone.
  grpc::ClientContext context_;
  v1::WatchJobRequest request_;

  // Written by gRPC while a read is under way, ours while `ready_`.
  v1::WatchJobResponse response_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  // Held so that a read may start outside of a reaction, until none will.
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<absl::Status> status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_WATCH_CALL_H_
