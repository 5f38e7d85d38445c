// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_FOLLOW_JOB_H_
#define SERVICES_CLI_FOLLOW_JOB_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "services/cli/interrupt.h"
#include "services/cli/watch_view.h"

namespace buzzer::cli {

struct FollowOptions {
  // Only what is newer is shown.
  int64_t after_revision = 0;
  // The whole of it may last so long.
  absl::Duration timeout = absl::InfiniteDuration();
  // Without a server for so long, it is given up.
  absl::Duration patience = absl::Minutes(5);
  // Between two tries to connect: from `retry_initial`, doubling to `retry_max`.
  absl::Duration retry_initial = absl::Milliseconds(200);
  absl::Duration retry_max = absl::Seconds(5);
  // How often the server is asked what a waiting job waits for, since no event tells it.
  absl::Duration look_interval = absl::Seconds(10);
};

// Watches the job to its end and returns its terminal state. A stream that breaks with
// UNAVAILABLE is taken up again after the last revision seen. Errors: the stream's own;
// UNAVAILABLE after `patience`, or at once if the server never told anything;
// DEADLINE_EXCEEDED after `timeout`; CANCELLED when `interrupt` is raised.
absl::StatusOr<v1::Job::State> FollowJob(v1::JobService::StubInterface* stub,
                                         const std::string& job_name, const FollowOptions& options,
                                         Interrupt* interrupt, WatchView* view);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_FOLLOW_JOB_H_
