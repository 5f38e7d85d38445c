// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_ERROR_TEXT_H_
#define SERVICES_CLI_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"

namespace buzzer::cli {

// An error for people: the message, then a line for each field that the server's
// BadRequest names (unless the message tells it already), then when a repeat may help.
// Ends with a newline; no control characters of the server's reach the terminal.
std::string ErrorText(const absl::Status& status);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_ERROR_TEXT_H_
