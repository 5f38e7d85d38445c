// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_PROGRESS_LINES_H_
#define SERVICES_WORKER_HANDLERS_PROGRESS_LINES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"
#include "services/worker/handler.h"
#include "services/worker/repeated_fault.h"

namespace buzzer::worker {

// What a program's lines have said so far.
struct ProgramReport {
  v1::Progress progress;
  // Not before this long after its end shall the next attempt begin; zero: it did not say.
  absl::Duration retry_after = absl::ZeroDuration();
  // Whether the newest line that was taken had more than `retry_after` in it.
  bool is_progress = false;
};

// Adds what one line of a program's file descriptor 3 says to what the lines before it have
// said: a JSON object with some of the fields `fraction`, `message`, `data` and `retry_after` (a
// duration such as "30s", up to 24 h); what a line does not name, or has null for (`data`
// excepted), stays as it is. INVALID_ARGUMENT says which rule the line breaks and what would be
// right; then nothing has changed. OUT_OF_RANGE: only its data was not taken, since it is too
// large.
absl::Status AddProgressLine(absl::string_view line, ProgramReport* report);

// Reports a program's lines to its attempt, and tells of those that cannot be taken in one line
// of the log, with their number. Not thread-safe.
class ProgressLines {
 public:
  explicit ProgressLines(JobContext* context)
      : context_(context), faults_("progress_refused", &context->job()) {}

  void OnLine(absl::string_view line);

  // After the last line; so many were too long to be read.
  void End(int64_t too_long);

  absl::Duration retry_after() const { return report_.retry_after; }

 private:
  JobContext* const context_;
  ProgramReport report_;
  RepeatedFault faults_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_PROGRESS_LINES_H_
