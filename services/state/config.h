// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_CONFIG_H_
#define SERVICES_STATE_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/state/store/job_store.h"

namespace buzzer::state {

// What the optional YAML file says: queues with limits, and types that exist before any
// worker announced them.
//
//   queues:
//     - name: photos
//       max_waiting: 10000     # QUEUED or SCHEDULED; beyond it a submit answers 429
//   types:
//     - type: images.thumbnails
//       queue: photos          # unless set: the queue named like the type
struct Config {
  std::map<std::string, int64_t> max_waiting_by_queue;
  std::vector<TypeRecord> types;
};

// Reads the whole file. INVALID_ARGUMENT lists every fault with its line and what would
// be right; NOT_FOUND if the file cannot be read.
absl::StatusOr<Config> LoadConfig(const std::string& path);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_CONFIG_H_
