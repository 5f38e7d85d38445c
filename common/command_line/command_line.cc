// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/command_line/command_line.h"

#include <iostream>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"

namespace buzzer {

absl::Status ParseFlags(int argc, char** argv) {
  const std::vector<std::string> words = ParseFlagsAndWords(argc, argv);
  if (words.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", words.front(), "' is no flag: a flag is --NAME=VALUE, and --help lists them"));
}

std::vector<std::string> ParseFlagsAndWords(int argc, char** argv) {
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  return {arguments.begin() + 1, arguments.end()};
}

int Fail(absl::string_view program, int code, const absl::Status& why) {
  std::cerr << program << ": " << why.message() << "\n";
  return code;
}

}  // namespace buzzer
