// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_CONFIG_H_
#define SERVICES_WORKER_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"
#include "common/limits/limits.h"

namespace buzzer::worker {

// What an `exec` handler runs for each job.
struct ProgramConfig {
  // The first is an absolute path.
  std::vector<std::string> argv;
  std::string content_type = "application/octet-stream";
  std::map<std::string, std::string> environment;
  // Empty: the worker's own.
  std::string working_directory;
};

struct HandlerConfig {
  enum class Kind { kEcho, kSleep, kFail, kExec };

  std::string type;
  std::string queue;
  Kind kind = Kind::kEcho;
  // Most jobs of this type at once; at most Config::slots.
  int concurrency = 0;
  absl::Duration grace = kDefaultGrace;
  // Longest run of an attempt, where the job sets none. Zero: no limit.
  absl::Duration attempt_timeout;
  // How failed attempts are repeated, where the job does not say; 0: as many as state's default.
  v1::RetryPolicy retry;
  int32_t max_attempts = 0;
  // For kExec.
  ProgramConfig program;
};

// The worker's YAML file; services/worker/worker.example.yaml shows every key.
struct Config {
  // Most jobs at once, over all types.
  int slots = 8;
  // How long running jobs may go on after the first SIGTERM.
  absl::Duration drain_timeout = absl::Seconds(10);
  // How long handlers run on without a word from the state service.
  absl::Duration state_outage_limit = absl::Minutes(10);
  std::vector<HandlerConfig> handlers;
};

// Reads and checks the whole file. `slots` above 0 replaces the file's. INVALID_ARGUMENT
// lists every fault as `FILE:LINE: what is wrong and what would be right`, one a line;
// NOT_FOUND if the file cannot be read.
absl::StatusOr<Config> LoadConfig(const std::string& path, int slots = 0);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_CONFIG_H_
