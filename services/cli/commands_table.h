// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_COMMANDS_TABLE_H_
#define SERVICES_CLI_COMMANDS_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace buzzer::cli {

// An option of the command line. Written `--name VALUE` or `--name=VALUE`; `_` in a
// name is the same as `-`, as the services' flags have it.
struct OptionSpec {
  absl::string_view name;
  // What stands for the value in the help; empty for a switch.
  absl::string_view value;
  absl::string_view help;
  bool repeatable = false;
};

struct CommandSpec {
  // One word, or two for those of `queues` and `types`.
  absl::string_view name;
  // What stands for its argument, `TYPE` or `ID`; empty if it takes none.
  absl::string_view argument;
  absl::string_view summary;
  std::vector<OptionSpec> options;
};

// Every command in the order of the help. The parser and the help both read this.
const std::vector<CommandSpec>& Commands();

// Those that every command takes.
const std::vector<OptionSpec>& GlobalOptions();

// nullptr if there is none.
const CommandSpec* FindCommand(absl::string_view name);
const OptionSpec* FindOption(const CommandSpec* command, absl::string_view name);

// The candidate that a mistyped word is nearest to; empty if none is near.
std::string Nearest(absl::string_view word, const std::vector<absl::string_view>& candidates);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_COMMANDS_TABLE_H_
