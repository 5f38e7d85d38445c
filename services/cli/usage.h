// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_USAGE_H_
#define SERVICES_CLI_USAGE_H_

#include <string>

#include "services/cli/commands_table.h"

namespace buzzer::cli {

// What `buzzer --help` prints: commands, global options, exit codes.
std::string Usage();

// What `buzzer COMMAND --help` prints.
std::string Usage(const CommandSpec& command);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_USAGE_H_
