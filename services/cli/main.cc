// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer: submits jobs to Buzzer and tells how they go. See usage.cc.

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/string_view.h"
#include "common/secrets/secrets.h"
#include "common/version/version.h"
#include "services/cli/commands.h"

namespace {

constexpr int kUsualColumns = 80;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int TerminalColumns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

buzzer::cli::Interrupt* CatchInterrupt() {
  static auto& interrupt = *new buzzer::cli::Interrupt;
  buzzer::cli::RaiseAtSignal(&interrupt);
  return &interrupt;
}

}  // namespace

int main(int argc, char** argv) {
  buzzer::CloseProcessToOthers();
  if (argc == 2 && absl::string_view(argv[1]) == "--version") {
    std::cout << "buzzer " << buzzer::kVersionText << "\n" << std::flush;
    return EXIT_SUCCESS;
  }
  // gRPC's own log repeats, for developers, what the command tells in its error.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const bool draws = isatty(STDOUT_FILENO) != 0 && Variable("TERM") != "dumb";
  return buzzer::cli::RunCommand({argv + 1, argv + argc},
                                 {std::cin, std::cout, std::cerr, Variable("BUZZER_ADDRESS"), draws,
                                  TerminalColumns, CatchInterrupt});
}
