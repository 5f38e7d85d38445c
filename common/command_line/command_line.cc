// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/command_line/command_line.h"

#include <iostream>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"

namespace buzzer {

absl::Status ParseFlags(int argc, char** argv) {
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() < 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", arguments[1], "' is no flag: a flag is --NAME=VALUE, and --help lists them"));
}

int Fail(absl::string_view program, int code, const absl::Status& why) {
  std::cerr << program << ": " << why.message() << "\n";
  return code;
}

}  // namespace buzzer
