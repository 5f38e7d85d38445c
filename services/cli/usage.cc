// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/usage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace buzzer::cli {
namespace {

std::string Synopsis(const CommandSpec& command) {
  return command.argument.empty() ? std::string(command.name)
                                  : absl::StrCat(command.name, " ", command.argument);
}

std::string Synopsis(const OptionSpec& option) {
  return option.value.empty() ? absl::StrCat("--", option.name)
                              : absl::StrCat("--", option.name, " ", option.value);
}

// Two columns, the second aligned.
template <typename Spec, typename Text>
std::string Rows(const std::vector<Spec>& specs, Text text) {
  size_t width = 0;
  for (const Spec& spec : specs) width = std::max(width, Synopsis(spec).size());
  std::string rows;
  for (const Spec& spec : specs) {
    absl::StrAppend(&rows, absl::StrFormat("  %-*s  %s\n", width, Synopsis(spec), text(spec)));
  }
  return rows;
}

std::string OptionRows(const std::vector<OptionSpec>& options) {
  return Rows(options, [](const OptionSpec& option) {
    return absl::StrCat(option.help, option.repeatable ? "; may be repeated" : "");
  });
}

constexpr char kExitCodes[] =
    "\nExit codes:\n"
    "  0    it worked; a watched job SUCCEEDED\n"
    "  1    the job FAILED\n"
    "  2    the command line, or the request, is wrong\n"
    "  3    the job was CANCELLED\n"
    "  4    there is no such job, queue, type, key or (not yet) result\n"
    "  5    the server is unreachable, too slow, full or broken\n"
    "  6    refused in the present state of the job, queue or type, or by the key's other request\n"
    "  130  ended by Ctrl-C; the job goes on\n";

}  // namespace

std::string Usage() {
  return absl::StrCat(
      "buzzer: submits jobs to Buzzer and tells how they go.\n\n"
      "  buzzer COMMAND [OPTIONS]\n\nCommands:\n",
      Rows(Commands(), [](const CommandSpec& command) { return std::string(command.summary); }),
      "\nOptions of every command:\n", OptionRows(GlobalOptions()), kExitCodes,
      "\n'buzzer --version' tells what was built, 'buzzer COMMAND --help' explains a command. For "
      "example:\n"
      "  buzzer submit demo.sleep --payload '{\"seconds\": 45, \"steps\": 9}' --watch\n");
}

std::string Usage(const CommandSpec& command) {
  return absl::StrCat("buzzer ", Synopsis(command), " [OPTIONS]\n\n", command.summary, "\n",
                      command.options.empty() ? "" : "\nOptions:\n", OptionRows(command.options),
                      "\nOptions of every command:\n", OptionRows(GlobalOptions()), kExitCodes);
}

}  // namespace buzzer::cli
