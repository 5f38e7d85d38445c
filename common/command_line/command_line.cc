// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/command_line/command_line.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/version/version.h"

namespace buzzer {
namespace {

// Answers --help and --version, which Abseil takes for flags as well: its --help knows no
// program of ours and exits with 1, and its --version tells nothing.
void AnswerQuestions(const Program& program, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == "--") return;
    std::string answer;
    if (word == "--help" || word == "-help" || word == "-h") answer = HelpText(program);
    if (word == "--version" || word == "-version") answer = VersionLine(program);
    if (answer.empty()) continue;
    std::cout << answer << std::flush;
    std::exit(EXIT_SUCCESS);
  }
}

}  // namespace

std::string HelpText(const Program& program) {
  std::map<absl::string_view, const absl::CommandLineFlag*> flags;  // Sorted.
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (!absl::StrContains(flag->Filename(), "absl/flags/")) flags[name] = flag;
  }
  std::string text = absl::StrCat(program.usage, "\n\nFlags, with their defaults:\n");
  for (const auto& [name, flag] : flags) {
    absl::StrAppend(&text, "  --", name, "=", flag->DefaultValue(), "\n      ", flag->Help(), "\n");
  }
  absl::StrAppend(&text, "  --version\n      Tells version, commit and build type.\n");
  return text;
}

std::string VersionLine(const Program& program) {
  return absl::StrCat(program.name, " ", kVersionText, "\n");
}

absl::Status ParseFlags(const Program& program, int argc, char** argv) {
  const std::vector<std::string> words = ParseFlagsAndWords(program, argc, argv);
  if (words.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", words.front(), "' is no flag: a flag is --NAME=VALUE, and --help lists them"));
}

std::vector<std::string> ParseFlagsAndWords(const Program& program, int argc, char** argv) {
  AnswerQuestions(program, argc, argv);
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  return {arguments.begin() + 1, arguments.end()};
}

int Fail(absl::string_view program, int code, const absl::Status& why) {
  std::cerr << program << ": " << why.message() << "\n";
  return code;
}

}  // namespace buzzer
