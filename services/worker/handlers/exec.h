// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_EXEC_H_
#define SERVICES_WORKER_HANDLERS_EXEC_H_

#include <string>
#include <vector>

#include "common/log/fault_counter.h"
#include "services/worker/config.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// `exec`: runs a program for each job, under a buzzer-supervisor that ends its whole
// process tree at cancel, at timeout, and when the worker dies. The program reads the
// payload from standard input and writes the result to standard output; on file
// descriptor 3 it may report progress, a line of JSON each:
//   {"fraction":0.4,"message":"12 of 30","data":{"next":13}}
// See progress_lines.h.
// Exit code 0: success; 75: failure that is worth another attempt, after the `retry_after` that it
// said last; any other: final failure. But 126 and 127, by which shells say that there is
// no such program, count as a program that could not be started: another attempt in a minute at
// the earliest, and an error in the log. Its environment is a clean one, see
// program_environment.h. Thread-safe.
class ExecHandler final : public Handler {
 public:
  // `supervisor` is the path of the buzzer-supervisor program.
  ExecHandler(ProgramConfig program, std::string supervisor);

  HandlerResult Run(JobContext& context) override;

 private:
  // Says so in the log if it is the failure of a program that could not be started.
  HandlerResult Tell(const Job& job, HandlerResult result);

  const ProgramConfig program_;
  const std::string supervisor_;
  log::FaultCounter not_started_;  // Thread-safe.
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_EXEC_H_
