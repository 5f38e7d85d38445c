// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_TERMINAL_TEXT_H_
#define SERVICES_CLI_TERMINAL_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace buzzer::cli {

// `text` on one line and without control characters, so that what a handler wrote
// cannot steer the terminal. What is not UTF-8 becomes `?`.
std::string Printable(absl::string_view text);

// Whether `text` may be written to a terminal as it is: UTF-8 whose only control characters are
// line ends and tabs.
bool IsPlainText(absl::string_view text);

// Columns that printable UTF-8 text takes on a terminal: two for East Asian wide
// characters and emoji, none for combining marks.
int Columns(absl::string_view text);

// The start of `text` that fits into so many columns, with `…` where it was cut.
std::string CutToColumns(absl::string_view text, int columns);

// "1 byte", "2 bytes".
std::string Counted(int64_t count, absl::string_view thing);

// Rows with aligned columns, two spaces between them; each row ends with a newline.
std::string Table(const std::vector<std::vector<std::string>>& rows);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_TERMINAL_TEXT_H_
