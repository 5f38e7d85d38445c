// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_ARGUMENTS_H_
#define SERVICES_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/cli/commands_table.h"

namespace buzzer::cli {

// The words of a command line, sorted by what the table of commands says about them.
class Arguments {
 public:
  // `words` are those after the program's name. INVALID_ARGUMENT, with a message that
  // says what would be right: unknown command or option (with the nearest known one), a
  // missing value or argument, one too many, an option twice. A value that begins with
  // `--` needs the form `--name=VALUE`.
  static absl::StatusOr<Arguments> Parse(const std::vector<std::string>& words);

  // The command that they name, whatever else is wrong with them; nullptr if none.
  static const CommandSpec* CommandOf(const std::vector<std::string>& words);

  // nullptr only if help was asked for and no command named.
  const CommandSpec* command() const { return command_; }

  bool help() const { return Has("help"); }

  // The ID, TYPE, NAME or KEY; empty for a command that takes none.
  const std::string& argument() const { return argument_; }

  bool Has(absl::string_view option) const;

  // The value, or "" if it was not given.
  std::string Text(absl::string_view option) const;

  // Each value of a repeatable option, in order.
  std::vector<std::string> All(absl::string_view option) const;

  // nullopt if it was not given; INVALID_ARGUMENT if it is no duration or is negative.
  absl::StatusOr<std::optional<absl::Duration>> Duration(absl::string_view option) const;

  // nullopt if it was not given; INVALID_ARGUMENT if it is not within [min, max].
  absl::StatusOr<std::optional<int64_t>> Number(absl::string_view option, int64_t min,
                                                int64_t max) const;

 private:
  absl::Status TakeOption(const std::vector<std::string>& words, size_t* at);
  absl::Status TakeWords(const std::vector<std::string>& plain);

  const CommandSpec* command_ = nullptr;
  std::string argument_;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
};

// INVALID_ARGUMENT "--option: what is wrong".
absl::Status BadOption(absl::string_view option, absl::string_view what);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_ARGUMENTS_H_
