// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_COMMAND_LINE_COMMAND_LINE_H_
#define COMMON_COMMAND_LINE_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace buzzer {

// What a program says of itself.
struct Program {
  std::string name;
  // What it is, and then how it is called, a line each.
  std::string usage;
};

// What `--help` prints: the usage and every flag, with its default.
std::string HelpText(const Program& program);
// What `--version` prints.
std::string VersionLine(const Program& program);

// Reads a service's flags; --help and --version end the program with 0. Abseil exits with 1
// over an unknown flag or a value that does not fit, and names it. INVALID_ARGUMENT for what
// is no flag, such as a flag without its dashes, which Abseil would leave unread. Main thread.
absl::Status ParseFlags(const Program& program, int argc, char** argv);

// The same for a program with commands: gives back the words that are no flags.
std::vector<std::string> ParseFlagsAndWords(const Program& program, int argc, char** argv);

// A service's exit status over what its command line or a file got wrong.
inline constexpr int kUsageError = 2;

// Says on standard error why `program` ends, and gives `code` back for main to return.
int Fail(absl::string_view program, int code, const absl::Status& why);

}  // namespace buzzer

#endif  // COMMON_COMMAND_LINE_COMMAND_LINE_H_
