// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What handlers and other people wrote: for a terminal, and for strings of messages. And what
// users of the command write: durations, and where the frontend is.

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "common/duration/duration.h"
#include "common/utf8/utf8.h"
#include "services/cli/address.h"
#include "services/cli/terminal_text.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer {
namespace {

void Utf8(absl::string_view text, size_t limit) {
  const std::string valid = ToValidUtf8(text);
  FUZZ_CHECK(valid.size() <= 3 * text.size());
  FUZZ_CHECK(ToValidUtf8(valid) == valid);
  const absl::string_view prefix = Utf8Prefix(valid, limit);
  FUZZ_CHECK(prefix.size() <= limit && absl::StartsWith(valid, prefix));
  FUZZ_CHECK(prefix.size() + 4 > std::min(limit, valid.size()));
  FUZZ_CHECK(ToValidUtf8(prefix) == prefix);
  const absl::string_view suffix = Utf8Suffix(valid, limit);
  FUZZ_CHECK(suffix.size() <= limit && absl::EndsWith(valid, suffix));
  FUZZ_CHECK(suffix.size() + 4 > std::min(limit, valid.size()));
  FUZZ_CHECK(ToValidUtf8(suffix) == suffix);
}

void Terminal(absl::string_view text, int columns) {
  const std::string printable = cli::Printable(text);
  fuzz::CheckText(printable, 3 * text.size());
  // C1 controls: in UTF-8 they begin with this byte.
  for (size_t i = 0; i + 1 < printable.size(); ++i) {
    FUZZ_CHECK_SEEN(printable[i] != '\xC2' || static_cast<unsigned char>(printable[i + 1]) >= 0xA0,
                    printable);
  }
  FUZZ_CHECK(cli::Printable(printable) == printable);
  FUZZ_CHECK(cli::Columns(printable) >= 0);
  const std::string cut = cli::CutToColumns(printable, columns);
  FUZZ_CHECK_SEEN(cli::Columns(cut) <= columns, cut);
  fuzz::CheckText(cut, printable.size() + 3);
  const std::string table = cli::Table({{printable, "x"}, {"y", printable}});
  FUZZ_CHECK(std::count(table.begin(), table.end(), '\n') == 2);
}

void Durations(absl::string_view text) {
  const auto duration = ParseDuration(text);
  if (!duration.has_value()) return;
  FUZZ_CHECK(*duration >= absl::ZeroDuration() && *duration < absl::InfiniteDuration());
  const std::string written = DurationText(*duration);
  const auto again = ParseDuration(written);
  FUZZ_CHECK_SEEN(again.has_value(), written);
  // But for what is below a microsecond.
  FUZZ_CHECK_SEEN(absl::AbsDuration(*again - *duration) < absl::Microseconds(1), written);
}

// What is refused may hold a password, which stands before an '@'.
void Target(absl::string_view text) {
  const auto target = cli::TargetOf(text, /*tls=*/false);
  if (target.ok()) {
    FUZZ_CHECK(!target->empty());
    return;
  }
  FUZZ_CHECK(target.status().code() == absl::StatusCode::kInvalidArgument);
  FUZZ_CHECK(!target.status().message().empty());
}

}  // namespace
}  // namespace buzzer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto text = buzzer::fuzz::ToView(data + 1, size - 1);
  buzzer::Utf8(text, data[0]);
  buzzer::Terminal(text, data[0] % 64);
  buzzer::Durations(text);
  buzzer::Target(text);
  return 0;
}
