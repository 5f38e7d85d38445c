// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_SUPERVISOR_PROCESS_TREE_H_
#define SERVICES_WORKER_SUPERVISOR_PROCESS_TREE_H_

#include <sys/types.h>

#include <vector>

namespace buzzer::worker {

// Every living descendant of this process, whatever its process group or session. This
// process must be a child subreaper, so that those whose parents died are its children.
// Zombies are left out.
std::vector<pid_t> Descendants();

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_SUPERVISOR_PROCESS_TREE_H_
