// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-supervisor: stands between a worker and a job's program, and sees to it that
// nothing of the program outlives the job or the worker. Workers start it; it is of no
// use by hand.
//
//   buzzer-supervisor LEASE_MS GRACE_MS WORKING_DIRECTORY PROGRAM [ARGUMENT...]

#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/version/version.h"
#include "services/worker/supervisor/supervisor.h"

int main(int argc, char** argv) {
  // As the worker's: the program that it runs, and every other one of this user, could reach
  // the worker through the control socket. The program itself is open again once it is executed.
  prctl(PR_SET_DUMPABLE, 0);
  constexpr int kFirstOfProgram = 4;
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("buzzer-supervisor %s\n", buzzer::kVersionText);
    return 0;
  }
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(
        "Ends what a job's program started when the job or its worker ends.\n"
        "  buzzer-supervisor LEASE_MS GRACE_MS WORKING_DIRECTORY PROGRAM [ARGUMENT...]\n"
        "buzzer-worker starts it, for handlers of kind exec; it is of no use by hand.\n",
        stdout);
    return 0;
  }
  if (argc <= kFirstOfProgram) {
    fputs("buzzer-supervisor is started by buzzer-worker, for handlers of kind exec\n", stderr);
    return 2;
  }
  buzzer::worker::SupervisorOptions options;
  options.lease_ms = strtol(argv[1], nullptr, 10);
  options.grace_ms = strtol(argv[2], nullptr, 10);
  options.working_directory = argv[3];
  options.argv.assign(argv + kFirstOfProgram, argv + argc);
  buzzer::worker::Supervise(options);
  return 0;
}
