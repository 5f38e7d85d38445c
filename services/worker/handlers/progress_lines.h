// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_PROGRESS_LINES_H_
#define SERVICES_WORKER_HANDLERS_PROGRESS_LINES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "buzzer/v1/job.pb.h"
#include "services/worker/handler.h"
#include "services/worker/repeated_fault.h"

namespace buzzer::worker {

// Adds what one line of a program's file descriptor 3 says to what the lines before it have
// said: a JSON object with some of the fields `fraction`, `message` and `data`; what a line
// does not name, or has null for (`data` excepted), stays as it is. INVALID_ARGUMENT says
// which rule the line breaks and what would be right; then nothing has changed. OUT_OF_RANGE: only
// its data was not taken, since it is too large.
absl::Status AddProgressLine(absl::string_view line, v1::Progress* progress);

// Reports a program's lines to its attempt, and tells of those that cannot be taken in one line
// of the log, with their number. Not thread-safe.
class ProgressLines {
 public:
  explicit ProgressLines(JobContext* context)
      : context_(context), faults_("progress_refused", &context->job()) {}

  void OnLine(absl::string_view line);

  // After the last line; so many were too long to be read.
  void End(int64_t too_long);

 private:
  JobContext* const context_;
  v1::Progress progress_;
  RepeatedFault faults_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_PROGRESS_LINES_H_
