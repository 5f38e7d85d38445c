// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_JOB_TEXT_H_
#define SERVICES_CLI_JOB_TEXT_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"
#include "buzzer/v1/job_service.pb.h"
#include "buzzer/v1/queue_service.pb.h"

namespace buzzer::cli {

// Everything about a job, a line for each fact that is there.
std::string DescribeJob(const v1::Job& job, absl::TimeZone zone);

// A header and a row for each job; empty if there are none. On a terminal of so many columns the
// last one, which tells of progress, errors and when a SCHEDULED job is due, is cut to fit.
std::string JobTable(const v1::ListJobsResponse& jobs, absl::Time now,
                     std::optional<int> columns = std::nullopt);

// The same for queues.
std::string DescribeQueue(const v1::Queue& queue);
std::string QueueTable(const v1::ListQueuesResponse& queues);

// One line about how a job ended: how long it took, and its result or its error.
std::string EndText(const v1::Job& job);

// "REASON: message" of a failure.
std::string ErrorLine(const v1::JobError& error);

// Why a waiting job is not about to run, as of the answer it came in; empty if nothing is known.
std::string WaitText(const v1::Job& job);

// "40 %", and the message if there is one.
std::string ProgressText(const v1::Progress& progress);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);

// Two units at most, like `30ms`, `45s`, `3m20s` or `2d4h`.
std::string ShortDuration(absl::Duration duration);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_JOB_TEXT_H_
