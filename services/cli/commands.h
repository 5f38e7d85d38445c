// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_COMMANDS_H_
#define SERVICES_CLI_COMMANDS_H_

#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"

namespace buzzer::cli {

// What the process around a command offers it.
struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // $BUZZER_ADDRESS, or "".
  std::string address;
  // Whether `out` can draw in place, and how wide it is now.
  bool out_is_terminal;
  std::function<int()> columns;
  // Makes Ctrl-C a condition; called once, by a command that watches, before any thread
  // starts. The interrupt outlives the command.
  std::function<Interrupt*()> catch_interrupt;
};

// Runs one command line (without the program's name) to its end.
ExitCode RunCommand(const std::vector<std::string>& words, const Environment& environment);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_COMMANDS_H_
