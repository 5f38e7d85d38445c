// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_BOUNDARY_DISPATCH_MESSAGE_H_
#define SERVICES_WORKER_BOUNDARY_DISPATCH_MESSAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/job_id/job_id.h"

namespace buzzer::worker {

// State puts at most 100 jobs into a message, each with an id and a type: a tenth of this.
inline constexpr int kMaxJobsOfMessage = 1000;
inline constexpr size_t kMaxMessageBytes = 128 << 10;

struct DispatchedJob {
  JobId id;
  std::string type;
};

// What a message of the broker says, as far as it is sound. Anybody who may log in at the broker
// may have sent it; and nothing is lost by what is dropped, since state dispatches a job again
// that nobody claims.
struct DispatchedJobs {
  // Each with a true id and a type's name, and none twice.
  std::vector<DispatchedJob> jobs;
  // What was wrong, with the rule, if anything was.
  std::string fault;
};
DispatchedJobs ReadDispatchMessage(absl::string_view body);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_BOUNDARY_DISPATCH_MESSAGE_H_
