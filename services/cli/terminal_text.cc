// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/terminal_text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace buzzer::cli {
namespace {

struct Character {
  uint32_t code;
  size_t bytes;
};

// The character at the start of `text`, which is not empty; code 0 and one byte if
// that is not well-formed UTF-8.
Character FirstCharacter(absl::string_view text) {
  constexpr Character kBad = {0, 1};
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return kBad;
  uint32_t code = lead & (0x7f >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return kBad;
    code = code << 6 | (next & 0x3f);
  }
  constexpr uint32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLowest[bytes] || code > 0x10ffff || surrogate) return kBad;
  return {code, bytes};
}

// C0, DEL and C1, and the marks that turn the direction of text around.
bool IsControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

int ColumnsOf(uint32_t code) {
  if ((code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200d) ||
      (code >= 0x20d0 && code <= 0x20ff) || (code >= 0xfe00 && code <= 0xfe0f)) {
    return 0;
  }
  const bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                    (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                    (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                    (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) ||
                    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const Character first = FirstCharacter(text);
    if (first.code == '\n' || first.code == '\t' || first.code == '\r') {
      printable += ' ';
    } else if (IsControl(first.code)) {
      printable += '?';
    } else {
      absl::StrAppend(&printable, text.substr(0, first.bytes));
    }
    text.remove_prefix(first.bytes);
  }
  return printable;
}

bool IsPlainText(absl::string_view text) {
  while (!text.empty()) {
    const Character first = FirstCharacter(text);
    const bool line_end = first.code == '\n' || absl::StartsWith(text, "\r\n");
    if (!line_end && first.code != '\t' && IsControl(first.code)) return false;
    text.remove_prefix(first.bytes);
  }
  return true;
}

int Columns(absl::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character first = FirstCharacter(text);
    columns += ColumnsOf(first.code);
    text.remove_prefix(first.bytes);
  }
  return columns;
}

std::string CutToColumns(absl::string_view text, int columns) {
  if (Columns(text) <= columns) return std::string(text);
  if (columns <= 0) return "";
  size_t end = 0;
  int used = 1;  // the ellipsis
  while (true) {
    const Character next = FirstCharacter(text.substr(end));
    used += ColumnsOf(next.code);
    if (used > columns) break;
    end += next.bytes;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

std::string Counted(int64_t count, absl::string_view thing) {
  return absl::StrCat(count, " ", thing, count == 1 ? "" : "s");
}

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  std::string table;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&table, row[i]);
      if (i + 1 < row.size()) table.append(widths[i] - Columns(row[i]) + 2, ' ');
    }
    table += '\n';
  }
  return table;
}

}  // namespace buzzer::cli
