// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLER_H_
#define SERVICES_WORKER_HANDLER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"
#include "common/job_id/job_id.h"
#include "google/protobuf/struct.pb.h"

namespace buzzer::worker {

// The job as its handler sees it: one granted attempt.
struct Job {
  JobId id;
  std::string type;
  std::string queue;
  std::string tenant;
  // Only rises, and no number is granted twice: a fencing token.
  int32_t attempt = 0;
  // Whether a failure of this attempt would be the last allowed one.
  bool last_attempt = false;
  std::string payload;
  std::string payload_content_type;
  std::map<std::string, std::string> labels;
  // The newest Progress.data of earlier attempts.
  std::optional<google::protobuf::Value> checkpoint;
  // How long the worker may be silent before the attempt counts as lost.
  absl::Duration lease;
  // Time between the wish to stop and the kill.
  absl::Duration grace;
};

// The reason of a Failure whose program is not there or cannot be executed: what is wrong lies in
// the worker's deployment, not in the job.
inline constexpr char kProgramNotStarted[] = "PROGRAM_NOT_STARTED";

// How a handler ended.
struct Success {
  std::string content_type;
  // At most 2 MiB; a larger one fails the attempt with RESULT_TOO_LARGE.
  std::string result;
};
struct Failure {
  // UPPER_SNAKE_CASE, for machines.
  std::string reason;
  // For people; at most 2048 bytes, longer ones are cut.
  std::string message;
  // Whether another attempt may help.
  bool retryable = false;
  // The last of what it wrote for people, such as a program's standard error; at most 4 KiB,
  // longer ones lose their beginning.
  std::string detail;
  // Where another attempt may help: it waits at least this long, up to 24 h.
  absl::Duration retry_after = absl::ZeroDuration();
};
// It gave up because it was cancelled.
struct Stopped {
  // As of a failure.
  std::string detail = {};
};
using HandlerResult = std::variant<Success, Failure, Stopped>;

// What a handler wants to hear of its attempt on other threads than its own. The calls
// must not block, and come one at a time.
class AttemptObserver {
 public:
  virtual ~AttemptObserver() = default;
  // The attempt shall stop; once.
  virtual void OnCancel() = 0;
  // The worker lives; at least every third of the lease.
  virtual void OnHeartbeat() = 0;
};

// A running handler's view of its attempt. Thread-safe.
class JobContext {
 public:
  virtual ~JobContext() = default;

  virtual const Job& job() const = 0;

  // Never blocks and may be called as often as one likes: the newest wins, about ten a
  // second are sent. `fraction` is brought into [0, 1] (NaN: 0), `message` cut to 1024
  // bytes, `data` dropped if it is above 16 KiB as JSON.
  virtual void ReportProgress(v1::Progress progress) = 0;

  // The attempt shall stop: it was cancelled, ran too long, lost its lease, or the
  // worker ends. The handler returns Stopped as soon as it can; within its grace.
  virtual bool cancelled() const = 0;

  // Waits until it is cancelled or `timeout` has passed; whether it is cancelled.
  virtual bool WaitForCancel(absl::Duration timeout) = 0;

  // Has `observer` called until Observe(nullptr), which returns when no call is under
  // way. If the attempt is cancelled already, OnCancel is called at once.
  virtual void Observe(AttemptObserver* observer) = 0;
};

// Does the jobs of one type. Thread-safe: Run is called on as many threads at once as
// the type's concurrency, one for each attempt.
class Handler {
 public:
  virtual ~Handler() = default;

  // Runs one attempt to its end; may take hours. An attempt may be repeated (at least
  // once): what it does outside should be harmless to do again. A handler starts processes
  // by SupervisedProgram only: other children of the worker may be killed at any time.
  virtual HandlerResult Run(JobContext& context) = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLER_H_
