// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What a program writes to its progress pipe, and what its supervisor says of its end. The
// first byte says in which pieces the rest arrives.

#include "services/worker/handlers/progress_lines.h"

#include <algorithm>
#include <string>

#include "common/limits/limits.h"
#include "services/worker/handlers/line_reader.h"
#include "services/worker/progress.h"
#include "services/worker/supervisor/protocol.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::worker {
namespace {

constexpr size_t kMaxLine = 100;

// Each line of a program says something on top of what those before it have said.
void CheckLine(absl::string_view line, ProgramReport& report) {
  v1::Progress& progress = report.progress;
  FUZZ_CHECK(!line.empty() && line.size() <= kMaxLine);
  FUZZ_CHECK(line.find('\n') == absl::string_view::npos);
  const std::string before = progress.SerializeAsString();
  const absl::Duration asked_before = report.retry_after;
  const absl::Status added = AddProgressLine(line, &report);
  FUZZ_CHECK(added.ok() || absl::IsInvalidArgument(added) || absl::IsOutOfRange(added));
  if (absl::IsInvalidArgument(added)) {
    FUZZ_CHECK(progress.SerializeAsString() == before && report.retry_after == asked_before);
  }
  FUZZ_CHECK(report.retry_after >= absl::ZeroDuration() && report.retry_after <= kMaxRetryAfter);
  // It goes into the log.
  FUZZ_CHECK_SEEN(added.message().size() <= 200, added.message());
  FUZZ_CHECK(progress.fraction() >= 0 && progress.fraction() <= 1);
  v1::Progress fitting = progress;
  FUZZ_CHECK(FitProgress(&fitting));
  FUZZ_CHECK(fitting.fraction() == progress.fraction());
  FUZZ_CHECK(fitting.message().size() <= kMaxProgressMessageBytes);
  FUZZ_CHECK(!fitting.has_update_time());
  // It can be sent: gRPC refuses strings that are not UTF-8.
  v1::Progress again;
  FUZZ_CHECK(again.ParseFromString(progress.SerializeAsString()));
}

std::string Read(absl::string_view text, size_t piece, int64_t* long_lines) {
  std::string lines;
  ProgramReport report;
  LineReader reader(kMaxLine, [&](absl::string_view line) {
    CheckLine(line, report);
    lines.append(line.data(), line.size());
    lines += '\n';
  });
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.Add(text.substr(0, piece));
  }
  reader.End();
  *long_lines = reader.long_lines();
  return lines;
}

void Run(size_t piece, absl::string_view text) {
  int64_t long_lines = 0, long_lines_in_pieces = 0;
  const std::string lines = Read(text, text.size() + 1, &long_lines);
  FUZZ_CHECK(Read(text, piece, &long_lines_in_pieces) == lines);
  FUZZ_CHECK(long_lines == long_lines_in_pieces);
}

// What a supervisor says, of which at most a report's bytes were read.
void RunMessage(absl::string_view bytes) {
  const SupervisorMessage message = ReadSupervisorMessage(bytes.data(), bytes.size());
  if (message.kind != SupervisorMessage::kReport) return;
  const SupervisorReport& report = message.report;
  FUZZ_CHECK(report.kind >= 0 && report.kind <= SupervisorReport::kNotStarted);
  FUZZ_CHECK(report.code >= 0 && report.code <= 4095);
}

}  // namespace
}  // namespace buzzer::worker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) buzzer::worker::Run(1 + data[0] % 32, buzzer::fuzz::ToView(data + 1, size - 1));
  buzzer::worker::RunMessage(buzzer::fuzz::ToView(data, size));
  return 0;
}
