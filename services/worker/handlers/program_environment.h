// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_PROGRAM_ENVIRONMENT_H_
#define SERVICES_WORKER_HANDLERS_PROGRAM_ENVIRONMENT_H_

#include <map>
#include <string>
#include <vector>

#include "services/worker/handler.h"

namespace buzzer::worker {

// What a job's program finds in its environment, as NAME=VALUE, and nothing else of the
// worker's (which may hold passwords): PATH, HOME, LANG, TZ and TMPDIR as the worker has
// them; `configured`, which wins over these; and BUZZER_JOB_ID, BUZZER_JOB_TYPE,
// BUZZER_ATTEMPT, BUZZER_TENANT and, if there is one, BUZZER_CHECKPOINT (JSON).
std::vector<std::string> MakeProgramEnvironment(
    const std::map<std::string, std::string>& configured, const Job& job);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_PROGRAM_ENVIRONMENT_H_
