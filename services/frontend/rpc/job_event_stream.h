// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_JOB_EVENT_STREAM_H_
#define SERVICES_FRONTEND_RPC_JOB_EVENT_STREAM_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "common/mutex/mutex.h"
#include "services/frontend/call_errors.h"
#include "services/frontend/event_buffer.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/parts.h"

namespace buzzer::frontend {

// One open watch of one client, whatever its messages look like: brings what the watch
// line tells to the client at the client's own pace, and ends well when the job does, the
// client goes, the server shuts down, or a message is not taken for a minute. Keeps
// itself until gRPC is done with it. Thread-safe: one thread at a time has the turn to
// write or finish (`writing_`, `finished_`), so there is never a second write under way,
// and Finish is called once.
class JobEventStream : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                       public Watcher,
                       public DrainList::Member,
                       public std::enable_shared_from_this<JobEventStream> {
 public:
  // Begins to stream the changes after `after_revision`, or ends with the error. Call
  // once, first.
  void Open(const absl::StatusOr<JobTarget>& target, int64_t after_revision);

 protected:
  JobEventStream(grpc::CallbackServerContext* context, const Parts& parts, Method method)
      : context_(context), parts_(parts), method_(method) {}

  // Does what must come before the watch, then calls StartWatch or End.
  virtual void Begin(const JobTarget&, int64_t) { StartWatch(); }

  // What the messages are. These have the turn: they never run beside each other, and
  // may use the context.
  virtual absl::Status EncodeEvent(v1::JobEvent event, grpc::ByteBuffer* message) = 0;
  // Whether silence is broken by messages.
  virtual bool KeepsAlive() const { return false; }
  virtual absl::Status EncodeKeepAlive(grpc::ByteBuffer*) { return absl::OkStatus(); }
  // The last message of a stream that a shutdown ends; false if there is none.
  virtual bool EncodeFarewell(grpc::ByteBuffer*) { return false; }
  // How a stream ends that a shutdown ends.
  virtual absl::Status DrainedStatus(int64_t last_revision) { return ShuttingDown(last_revision); }
  // Nothing was finished yet, but is next.
  virtual void BeforeFinish() {}

  // The stream ends so, once what is buffered was sent. The first end counts.
  void End(const absl::Status& status);

  // Sends a keep-alive now: the client learns that the stream is open.
  void BreakSilence();

  // Starts the watch, or starts it anew, after the last revision sent.
  void StartWatch();

  grpc::CallbackServerContext* context() const { return context_; }
  const Parts& parts() const { return parts_; }
  std::shared_ptr<JobEventStream> self() { return shared_from_this(); }

 private:
  enum class Step { kNothing, kWrite, kFinish, kRestart };

  // Takes the turn if it is free, and does what is next.
  void Pump();
  // `status` is for a finish only.
  Step NextStep(absl::Status* status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishNow(const absl::Status& status);

  void OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                const std::optional<absl::Status>& end) override;
  void OnDrain() override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // One timer serves both limits; it is set while there is something to look at.
  void SetTimer(absl::Duration delay);
  void OnTimer();

  grpc::CallbackServerContext* const context_;  // gRPC's, until OnDone.
  const Parts& parts_;                          // The service's, which outlives its calls.
  const Method method_;
  std::shared_ptr<JobEventStream> self_;  // Until OnDone.
  grpc::ByteBuffer message_;              // In flight while `writing_`.
  Mutex mutex_;
  JobTarget target_ ABSL_GUARDED_BY(mutex_);
  EventBuffer events_ ABSL_GUARDED_BY(mutex_){0};
  // How to end once the events are sent.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  int64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Timers::Id> timer_ ABSL_GUARDED_BY(mutex_);
  // Start of the newest write, on the monotonic clock.
  absl::Duration last_write_ ABSL_GUARDED_BY(mutex_) = parts_.clock->Monotonic();
  bool starting_ ABSL_GUARDED_BY(mutex_) = false;  // A watch, whose number is not known yet.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool said_farewell_ ABSL_GUARDED_BY(mutex_) = false;
  bool keep_alive_is_due_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_JOB_EVENT_STREAM_H_
