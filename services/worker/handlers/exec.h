// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_EXEC_H_
#define SERVICES_WORKER_HANDLERS_EXEC_H_

#include <string>
#include <vector>

#include "services/worker/config.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// `exec`: runs a program for each job, under a buzzer-supervisor that ends its whole
// process tree at cancel, at timeout, and when the worker dies. The program reads the
// payload from standard input and writes the result to standard output; on file
// descriptor 3 it may report progress, a line of JSON each:
//   {"fraction":0.4,"message":"12 of 30","data":{"next":13}}
// See progress_lines.h.
// Exit code 0: success; 75: failure that is worth another attempt; any other: final
// failure. Its environment is a clean one, see program_environment.h. Thread-safe.
class ExecHandler final : public Handler {
 public:
  // `supervisor` is the path of the buzzer-supervisor program.
  ExecHandler(ProgramConfig program, std::string supervisor);

  HandlerResult Run(JobContext& context) override;

 private:
  const ProgramConfig program_;
  const std::string supervisor_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_EXEC_H_
