// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// store_program DIRECTORY JOBS: opens state's store there, submits jobs one by one, prints
// the id of each that was accepted, and kills itself.

#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "absl/strings/numbers.h"
#include "services/state/open_store.h"
#include "tests/support/blocking_store.h"

int main(int argc, char** argv) {
  int jobs = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[2], &jobs)) return 2;
  buzzer::state::JobStoreOptions options;
  options.limits.min_free_disk = 0;
  auto opened = buzzer::state::OpenSqliteJobStore(argv[1], std::move(options));
  if (!opened.ok()) {
    std::cerr << opened.status() << "\n";
    return 1;
  }
  const buzzer::state::BlockingStore store(opened->get());
  for (int i = 0; i < jobs; ++i) {
    const auto job = store.Submit(buzzer::state::MakeNewJob(absl::Now()));
    if (!job.ok()) return 1;
    std::cout << job->id.ToString() << std::endl;
  }
  kill(getpid(), SIGKILL);
  return 1;
}
