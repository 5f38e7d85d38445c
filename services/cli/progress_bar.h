// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_PROGRESS_BAR_H_
#define SERVICES_CLI_PROGRESS_BAR_H_

#include <string>

#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer::cli {

// One line of at most `columns` that shows how a job stands: its state, a bar once it has
// told progress, how long it has been running, and its message as far as there is room.
std::string ProgressBar(const v1::Job& job, absl::Time now, int columns);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_PROGRESS_BAR_H_
